/** What could not be loaded, and why. */
export function Problem({ error }: { error: Error | undefined }) {
  if (!error) return null;
  return (
    <p role="alert" class="problem">
      {error.message}
    </p>
  );
}
