import { App } from 'aws-cdk-lib';
import { ShopStack } from './shop-stack.js';

const app = new App({ outdir: process.env.CDK_OUTDIR ?? 'cdk.out' });
new ShopStack(app, 'Shop');
app.synth();
