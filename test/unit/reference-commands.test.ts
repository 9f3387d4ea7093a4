/** Generates docs/commands.md from the help of the command line, and fails when it is out of date. Write it with `-u`. */
import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { leavesOf } from '../../cli/examples.ts';
import { createProgram } from '../../cli/main.ts';

const header = `# Commands

Every command of \`dumbwaiter\`, as its help shows it. \`test/unit/reference-commands.test.ts\` generates this page from the code. The
[guide](guide.md#the-command-line) shows how to begin.

Each command also takes the global options. A command ends with 0; with 1 if it was refused or failed; with 2 if it was called wrongly.`;

const helpChars = 100;

function helpOf(command: Command): string {
  let help = '';
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
    getOutHelpWidth: () => helpChars,
    getOutHasColors: () => false,
  });
  command.configureHelp({ ...command.configureHelp(), showGlobalOptions: false }).outputHelp();
  return `\`\`\`text\n${help.trim()}\n\`\`\``;
}

it('the page of commands equals what the code generates', async () => {
  const program = createProgram();
  const sections = leavesOf(program).map(({ words, command }) => `## ${words}\n\n${helpOf(command)}`);
  const globals = program
    .createHelp()
    .visibleOptions(program)
    .map((option) => `| \`${option.flags}\` | ${program.createHelp().optionDescription(option)} |`);
  const options = ['| global option | what it says |', '| --- | --- |', ...globals].join('\n');
  await expect(`${[header, options, ...sections].join('\n\n')}\n`).toMatchFileSnapshot('../../docs/commands.md');
});
