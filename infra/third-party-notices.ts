/** Lists the packages of others that the bundles contain, with their licences: `dist/THIRD_PARTY_NOTICES.md`. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Metafile } from 'esbuild';
import { root } from './bundle.ts';

export const noticesName = 'THIRD_PARTY_NOTICES.md';

interface Notice {
  name: string;
  version: string;
  /** The SPDX identifier that the package gives. */
  license: string;
  texts: string[];
}

/** The folders of the packages of which the outputs contain code or styles. */
export function bundledPackages(metafiles: readonly Metafile[]): string[] {
  const inputs = metafiles.flatMap(({ outputs }) => Object.values(outputs).flatMap(({ inputs }) => Object.entries(inputs)));
  const folders = inputs.flatMap(([path, { bytesInOutput }]) => {
    const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0];
    return bytesInOutput > 0 && folder !== undefined ? [resolve(root, folder)] : [];
  });
  return [...new Set(folders)].sort();
}

export async function writeNotices(metafiles: readonly Metafile[], into: string): Promise<void> {
  const notices = await Promise.all(bundledPackages(metafiles).map(noticeOf));
  await writeFile(join(into, noticesName), noticesText(notices));
}

/** Throws if the package names no licence, or has no text of one that is not in the list of SPDX. */
async function noticeOf(folder: string): Promise<Notice> {
  const { name, version, license, author } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  if (typeof license !== 'string') throw new Error(`${folder}/package.json names no licence.`);
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  if (texts.length === 0) texts.push(await standardText(license, author));
  return { name, version, license, texts: texts.map((text) => text.trim()) };
}

/** The text of a licence for packages that have no file of it. */
async function standardText(license: string, author: string | { name: string } | undefined): Promise<string> {
  const url = import.meta.resolve(`spdx-license-list/licenses/${license}.json`);
  const { licenseText } = JSON.parse(await readFile(new URL(url), 'utf8')) as { licenseText: string };
  const holders = (typeof author === 'string' ? author : author?.name) ?? 'its authors';
  return licenseText.replace('<year> <copyright holders>', holders);
}

/** Packages with the same texts share one section. */
function noticesText(notices: readonly Notice[]): string {
  const sections = Map.groupBy(notices, ({ license, texts }) => [license, ...texts].join('\n\n'));
  const sectionOf = (group: readonly Notice[]) => {
    const { license, texts } = group[0]!;
    const packages = [...new Set(group.map(({ name, version }) => `- ${name} ${version}`))].join('\n');
    return [`## ${license}`, packages, ...texts.map((text) => `\`\`\`text\n${text}\n\`\`\``)].join('\n\n');
  };
  const heading = '# Third-party notices\n\nThis package contains code of the following packages.';
  return `${[heading, ...[...sections.values()].map(sectionOf)].join('\n\n')}\n`;
}
