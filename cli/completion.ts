/** What may come next on the command line, from the tree of commands itself. `shells.ts` has the scripts that ask for it. */
import type { Argument, Command, Option } from 'commander';

export interface Candidate {
  word: string;
  text: string;
}

/** Kinds of names that the deployment or the file of contexts can list. */
export type Named = 'queue' | 'topic' | 'schedule' | 'context';

/** What the argument `<name>` of a command names, and the value of an option. */
const namedIn: { readonly [command: string]: Named } = {
  'context use': 'context',
  'context remove': 'context',
  schedules: 'schedule',
};
const namedByOption: { readonly [flag: string]: Named } = { '--context': 'context', '--to-queue': 'queue', '--queue': 'queue' };

/**
 * `words`: those after the program's name, up to the one that is being typed, which may be empty. No candidates where any file, or any text,
 * may stand. `namesOf` never rejects.
 */
export async function candidatesFor(
  program: Command,
  words: readonly string[],
  namesOf: (named: Named) => Promise<readonly string[]>,
): Promise<Candidate[]> {
  const current = words.at(-1) ?? '';
  const { command, path, option, argumentsBefore } = walk(program, words.slice(0, -1));
  const found = option
    ? await ofValue(option, namesOf)
    : current.startsWith('-')
      ? optionsOf(command)
      : [...(argumentsBefore === 0 ? commandsOf(command) : []), ...(await ofArgument(command, path, argumentsBefore, namesOf))];
  return found.filter(({ word }) => word.startsWith(current));
}

interface Place {
  command: Command;
  path: readonly string[];
  /** The option whose value is being typed. */
  option: Option | undefined;
  argumentsBefore: number;
}

function walk(program: Command, words: readonly string[]): Place {
  let command = program;
  const path: string[] = [];
  let argumentsBefore = 0;
  let option: Option | undefined;
  for (const word of words) {
    if (option) {
      option = undefined;
      continue;
    }
    if (word.startsWith('-')) {
      const known = withAncestors(command).flatMap(({ options }) => options);
      option = known.find((one) => (one.long === word || one.short === word) && (one.required || one.optional));
      continue;
    }
    const inner = argumentsBefore === 0 ? commandsIn(command).find((one) => one.name() === word) : undefined;
    if (inner) {
      command = inner;
      path.push(word);
    } else argumentsBefore++;
  }
  return { command, path, option, argumentsBefore };
}

const commandsIn = (command: Command) =>
  [...command.createHelp().visibleCommands(command)].filter((one) => one.name() !== 'help');

const withAncestors = (command: Command): Command[] => [command, ...(command.parent ? withAncestors(command.parent) : [])];

const commandsOf = (command: Command): Candidate[] =>
  commandsIn(command).map((one) => ({ word: one.name(), text: one.description() }));

function optionsOf(command: Command): Candidate[] {
  const visible = withAncestors(command).flatMap((one) => one.createHelp().visibleOptions(one));
  // `--help` is an option of each of them.
  const texts = new Map(visible.flatMap(({ long, description }) => (long ? [[long, description]] : [])));
  return [...texts].map(([word, text]) => ({ word, text }));
}

async function ofValue(
  { long, argChoices }: Option,
  namesOf: (named: Named) => Promise<readonly string[]>,
): Promise<Candidate[]> {
  if (argChoices) return argChoices.map((word) => ({ word, text: '' }));
  const named = namedByOption[long ?? ''];
  return named ? (await namesOf(named)).map((word) => ({ word, text: named })) : [];
}

async function ofArgument(
  command: Command,
  path: readonly string[],
  index: number,
  namesOf: (named: Named) => Promise<readonly string[]>,
): Promise<Candidate[]> {
  const all: readonly Argument[] = command.registeredArguments;
  const argument = all[index] ?? (all.at(-1)?.variadic ? all.at(-1) : undefined);
  if (!argument) return [];
  if (argument.argChoices) return argument.argChoices.map((word) => ({ word, text: '' }));
  const name = argument.name();
  const named = name === 'queue' || name === 'topic' ? name : name === 'name' && (namedIn[path.join(' ')] ?? namedIn[path[0]!]);
  if (!named || path.join(' ') === 'queue create') return [];
  return (await namesOf(named)).map((word) => ({ word, text: named }));
}
