/** What `cdk deploy` runs (see cdk.json). A finding of cdk-nag's AwsSolutions pack ends it. */
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { addStack } from './stack.ts';

const app = new App();
addStack(app);
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
