/** The CDK app that `cdk deploy` runs (see cdk.json). Any finding of cdk-nag's AwsSolutions pack makes it fail. */
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { addStack } from './stack.ts';

const app = new App();
addStack(app);
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
