import type { AwsClient } from 'aws4fetch';
import { ArgumentError } from '../../common/errors.ts';
import { optional } from '../../node/databases.ts';
import type { ListedFile } from '../../node/store-files.ts';
import { type Asked, RemoteFiles } from './remote-files.ts';

const AWS4FETCH = 'aws4fetch@1.0.20';

/** Files of a bucket: S3, or what answers like it (R2, MinIO, Ceph). */
export class S3Files extends RemoteFiles {
  private constructor(
    private readonly client: AwsClient,
    private readonly bucket: string,
    /** In the bucket; empty, or ends in a slash. */
    private readonly prefix: string,
    name: string,
  ) {
    super(name);
  }

  /**
   * @param address `s3://bucket/folder`, with `?endpoint=https://…` for what is not AWS
   * @param env `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL`
   * @throws ArgumentError where a key is missing; M3RecError with the line that installs aws4fetch.
   */
  static async open(address: URL, endpoint: URL | undefined, env: NodeJS.ProcessEnv): Promise<S3Files> {
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN } = env;
    if (!accessKeyId || !secretAccessKey)
      throw ArgumentError.because(
        '--store',
        's3:// needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment',
      );
    const { AwsClient } = await optional<typeof import('aws4fetch')>('aws4fetch', 'a store on S3', AWS4FETCH);
    const region = address.searchParams.get('region') ?? env.AWS_REGION ?? 'us-east-1';
    const client = new AwsClient({
      ...{ accessKeyId, secretAccessKey, region, service: 's3', retries: 3 },
      ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
    });
    const root = (endpoint?.href ?? `https://s3.${region}.amazonaws.com`).replace(/\/$/, '');
    const prefix = address.pathname.slice(1).replace(/\/?$/, '/').replace(/^\/$/, '');
    return new S3Files(client, `${root}/${address.hostname}`, prefix, `s3://${address.hostname}${address.pathname}`);
  }

  async list(folder: string): Promise<ListedFile[]> {
    const found: ListedFile[] = [];
    let token: string | undefined;
    do {
      const query = {
        'list-type': '2',
        prefix: `${this.prefix}${folder}/`,
        ...(token && { 'continuation-token': token }),
      };
      const text = await (await this.request('GET', '', [200], { query })).text();
      for (const [, entry] of text.matchAll(/<Contents>(.*?)<\/Contents>/gs))
        found.push({
          path: textOf(entry, 'Key').slice(this.prefix.length),
          bytes: Number(textOf(entry, 'Size')),
          written: Date.parse(textOf(entry, 'LastModified')),
        });
      token = textOf(text, 'NextContinuationToken') || undefined;
    } while (token);
    return found.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  protected send(method: string, path: string, { headers, body, query, signal }: Asked): Promise<Response> {
    const at = query ? `?${new URLSearchParams(query)}` : `/${this.prefix}${path}`;
    return this.client.fetch(`${this.bucket}${at}`, { method, headers, body, signal });
  }
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** What an element of an answer holds; empty where there is none. */
function textOf(xml: string, element: string): string {
  const [, text = ''] = new RegExp(`<${element}>(.*?)</${element}>`, 's').exec(xml) ?? [];
  return text.replace(/&(\w+);/g, (whole, name) => ENTITIES[name] ?? whole);
}
