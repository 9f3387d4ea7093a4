/** A request as this folder reads it, whether it came as a web request or as one of Node's HTTP server. */
export interface SqsRequest {
  method: string;
  /** Without what a proxy removed of its path. */
  url: URL;
  /** Names are in lower case. */
  headers: Pick<Headers, 'get' | 'has'>;
  /** The body as it is. Throws DumbwaiterError `payload_too_large`, `request_timeout`. */
  bytes(bytesMax: number): Promise<Uint8Array>;
}
