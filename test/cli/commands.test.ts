/** What all commands have in common, over the tree of commands. */
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { examples, leavesOf } from '../../cli/examples.ts';
import { createProgram } from '../../cli/main.ts';
import { parseInput } from '../../contract/schemas/parse.ts';

const leaves = leavesOf(createProgram());

/** The words of a line of shell. Knows what the examples use: quotes, an assignment of what a command prints, a redirection. */
function wordsOf(line: string): string[] {
  const [, command = line] = /[$<]\((.*)\)$/.exec(line) ?? [];
  const words = [...command.replace(/ > .*$/, '').matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
  expect(words[0], line).toBe('dumbwaiter');
  return words.slice(1);
}

function helpOf(command: Command): string {
  let help = '';
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
  });
  command.outputHelp();
  return help;
}

describe('each command', () => {
  it('there are commands, and each has examples', () => {
    expect(leaves.length).toBeGreaterThan(35);
    expect(Object.keys(examples).sort()).toEqual(leaves.map(({ words }) => words).sort());
  });

  it('the settings in examples are settings of a queue', () => {
    const lines = Object.values(examples)
      .flat()
      .filter((line) => line.includes(' --settings '));
    expect(lines.length).toBeGreaterThan(1);
    for (const words of lines.map(wordsOf)) parseInput('updateQueue', JSON.parse(words[words.indexOf('--settings') + 1]!));
  });

  it.each(leaves)('$words describes itself, shows its examples and takes --json', async ({ words, command }) => {
    const help = helpOf(command);
    expect(help).toContain('Examples:');
    // What the server for teams prints is JSON anyway.
    if (words !== 'serve') expect(help).toContain('--json');
    expect(command.description()).not.toBe('');
    for (const line of examples[words]!) {
      expect(help).toContain(line);
      const program = createProgram();
      let called: { words: string; json?: unknown } | undefined;
      for (const leaf of leavesOf(program)) {
        leaf.command.action((...all: unknown[]) => {
          called = { words: leaf.words, json: (all.at(-1) as Command).optsWithGlobals().json };
        });
      }
      await program.parseAsync([...wordsOf(line), '--json'], { from: 'user' });
      expect(called, line).toEqual({ words, json: true });
    }
  });
});
