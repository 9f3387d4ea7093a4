/** `npm run deploy`: runs `cdk deploy`. If that fails, it also prints what a failed first deployment leaves behind. */
import { spawnSync } from 'node:child_process';

const hint = `
If this was the first deployment of the stack: CloudFormation removed all that it created except the three tables, which are protected and
empty. They do no harm. Fix the error and deploy again. To delete the tables: docs/operating.md, "A first deployment that fails".`;

const { status, error } = spawnSync('cdk', ['deploy', ...process.argv.slice(2)], { stdio: 'inherit' });
if (error) throw error;
if (status !== 0) {
  console.error(hint);
  process.exitCode = status ?? 1;
}
