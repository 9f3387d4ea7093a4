// Loaded before any TypeScript file, which older versions of Node cannot run. `npm ci --ignore-scripts` does not install the project's Node 24.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Node ${process.versions.node} cannot run this: run "npm rebuild node" to install the project's own Node 24, or use Node 24.`,
  );
  process.exit(1);
}
