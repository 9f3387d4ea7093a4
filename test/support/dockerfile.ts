/** Reads a Dockerfile, so that a test does what it says without Docker. Knows the instructions of this project's Dockerfile only. */

export interface Stage {
  /** The image that it starts from. */
  base: string;
  name: string | undefined;
  steps: Step[];
  /** The last of each. */
  user: string | undefined;
  workdir: string;
  environment: Record<string, string>;
  command: string[] | undefined;
  healthcheck: string[] | undefined;
}

export type Step =
  | { run: string; cwd: string }
  /** `stage`: undefined for the build context. */
  | { copy: string; to: string; stage: string | undefined };

/** Throws for an instruction that it does not know. */
export function readDockerfile(text: string): Stage[] {
  const stages: Stage[] = [];
  const lines = text.replaceAll(/\\\n/g, '').split('\n');
  for (const line of lines) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, instruction, rest] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (instruction === undefined || rest === undefined) throw new Error(`no instruction: ${line}`);
    if (instruction === 'FROM') stages.push(stageFrom(rest));
    else follow(stages.at(-1)!, instruction, rest);
  }
  return stages;
}

function stageFrom(words: string): Stage {
  const [base, , name] = words.split(/\s+/);
  return {
    base: base!,
    name,
    steps: [],
    user: undefined,
    workdir: '/',
    environment: {},
    command: undefined,
    healthcheck: undefined,
  };
}

function follow(stage: Stage, instruction: string, rest: string): void {
  const words = rest.split(/\s+/);
  switch (instruction) {
    case 'WORKDIR':
      stage.workdir = rest;
      return;
    case 'RUN':
      stage.steps.push({ run: rest, cwd: stage.workdir });
      return;
    case 'COPY': {
      const from = /^--from=(.*)$/.exec(words[0]!)?.[1];
      const [copy, to] = from === undefined ? words : words.slice(1);
      stage.steps.push({ copy: copy!, to: to!.replace(/^\.\/?$/, stage.workdir), stage: from });
      return;
    }
    case 'ENV': {
      const [name, value] = rest.split('=');
      stage.environment[name!] = value!;
      return;
    }
    case 'USER':
      stage.user = rest;
      return;
    case 'CMD':
      stage.command = JSON.parse(rest);
      return;
    case 'HEALTHCHECK':
      stage.healthcheck = JSON.parse(rest.slice(rest.indexOf('CMD ') + 'CMD '.length));
      return;
    case 'EXPOSE':
      return;
    default:
      throw new Error(`unknown instruction: ${instruction}`);
  }
}
