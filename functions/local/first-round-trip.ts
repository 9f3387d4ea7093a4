/** Shell commands that show a new user a first round trip. `key`: a key, or a shell substitution that prints it. */
export function firstRoundTrip(url: string, key: string | undefined): string {
  const auth = `-H "authorization: Bearer $DUMBWAITER_API_KEY"`;
  const json = `-H 'content-type: application/json'`;
  const queue = '"$DUMBWAITER_URL/v1/queues/hello';
  return [
    `export DUMBWAITER_URL=${url}`,
    ...(key === undefined ? [] : [`export DUMBWAITER_API_KEY=${key}`]),
    `curl -sSw '\\n' -X PUT ${queue}" ${auth}`,
    `curl -sSw '\\n' ${queue}/publish" ${auth} ${json} -d '{"messages":[{"body":"Hello, world"}]}'`,
    `RECEIPT=$(curl -sSw '\\n' -X POST ${queue}/receive" ${auth} | tee /dev/stderr | sed -n 's/.*"receipt":"\\([^"]*\\)".*/\\1/p')`,
    `curl -sSw '\\n' ${queue}/ack" ${auth} ${json} -d "{\\"receipts\\":[\\"$RECEIPT\\"]}"`,
  ].join('\n');
}
