/** The console in a real browser: Debian's Chromium, driven by playwright-core. */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';
import { adminKey } from '../support/local-queue.ts';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

/** A browser for the tests of one file. */
export function useBrowser(): { open(url: string, options?: OpenOptions): Promise<Opened> } {
  let browser: Browser;
  beforeAll(async () => {
    if (executablePath === undefined) throw new Error('Chromium is missing: apt-get install chromium');
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  });
  afterAll(() => browser?.close());
  return { open: (url, options) => open(browser, url, options) };
}

interface OpenOptions {
  /** The key to sign in with. Default: the admin key of the tests. */
  key?: string;
  /** The path under `/console`. */
  path?: string;
  viewport?: { width: number; height: number };
  colorScheme?: 'light' | 'dark';
}

interface Opened {
  page: Page;
  context: BrowserContext;
  /** The URLs that the page asked for so far. */
  requests: string[];
  /** Errors of the page, and refusals of its content security policy. */
  problems: string[];
  /** Opens another path of the console. The key stays signed in. */
  visit(path: string): Promise<void>;
}

async function open(browser: Browser, url: string, options: OpenOptions = {}): Promise<Opened> {
  const { key = adminKey, path = '/', viewport = { width: 1280, height: 800 }, colorScheme = 'light' } = options;
  const context = await browser.newContext({ viewport, colorScheme });
  const page = await context.newPage();
  const requests: string[] = [];
  const problems: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    // Chromium also reports each answer of 4xx and 5xx.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) problems.push(message.text());
  });
  await page.goto(`${url}/console${path}`);
  await page.getByLabel('API key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  const visit = async (to: string) => {
    await page.goto(`${url}/console${to}`);
    await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  };
  return { page, context, requests, problems, visit };
}

/** Waits until the page shows the text. */
export async function expectText(page: Page, text: string | RegExp): Promise<void> {
  await page.getByText(text).first().waitFor();
}

/** A number of elements that the page shows in the end. */
export async function expectCount(page: Page, selector: string, count: number): Promise<void> {
  await expect.poll(() => page.locator(selector).count(), { timeout: 20_000 }).toBe(count);
}
