// Loaded before TypeScript files, which older versions of Node do not run. `npm ci --ignore-scripts` leaves out the Node 24 of the project.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Node ${process.versions.node} cannot run this: run "npm rebuild node" to install the project's own Node 24, or use Node 24.`,
  );
  process.exit(1);
}
