/** The option of both servers that names the deployment. */
import { InvalidArgumentError, Option } from 'commander';
import type { Environment } from '../../contract/contract.ts';
import { environmentColors, environmentOf } from '../../contract/environment.ts';

export function environmentOption(): Option {
  const colors = environmentColors.join(', ');
  return new Option('--environment <name[:color]>', `a name that the console shows, such as staging; colors: ${colors}`)
    .env('DUMBWAITER_ENVIRONMENT')
    .argParser((text): Environment => {
      try {
        return environmentOf(text);
      } catch (error) {
        throw new InvalidArgumentError((error as Error).message);
      }
    });
}
