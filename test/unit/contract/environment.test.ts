import { Command } from 'commander';
import { expect, test } from 'vitest';
import { environmentOf } from '../../../contract/environment.ts';
import { version } from '../../../contract/version.ts';
import { environmentOption } from '../../../functions/local/environment-option.ts';
import manifest from '../../../package.json' with { type: 'json' };

test('a deployment is named with a color, which is red for production and blue for others by default', () => {
  expect(environmentOf('staging')).toEqual({ name: 'staging', color: 'blue' });
  for (const name of ['production', 'prod', 'PROD']) expect(environmentOf(name)).toEqual({ name, color: 'red' });
  expect(environmentOf('production:green')).toEqual({ name: 'production', color: 'green' });
});

test('a name that is empty or too long, and an unknown color, are refused', () => {
  for (const text of ['', ':red', 'x'.repeat(41), 'a\nb', 'a:b:c', 'staging:RED']) {
    expect(() => environmentOf(text), text).toThrow(/must be NAME or NAME:COLOR/);
  }
  expect(() => environmentOf('staging:pink')).toThrow(
    'the color must be one of red, orange, green, blue, purple, gray; given pink',
  );
});

test('the servers take the name as an option, and say what is wrong with it', () => {
  const parse = (text: string) =>
    new Command()
      .exitOverride()
      .configureOutput({ writeErr: () => {} })
      .addOption(environmentOption())
      .parse(['--environment', text], { from: 'user' })
      .opts();
  expect(parse('staging:orange')).toEqual({ environment: { name: 'staging', color: 'orange' } });
  expect(() => parse('staging:pink')).toThrow(/the color must be one of/);
});

test('servers tell the version of the package', () => {
  expect(version).toBe(manifest.version);
});
