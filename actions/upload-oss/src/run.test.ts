import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readInputs } from '@slipway/core/action/inputs';
import { recordRuntime } from '@slipway/core/action/testing';
import type { Package } from '@slipway/core/archive/package';
import type { EventContext } from '@slipway/core/github/event';
import { SMALLEST_PART } from '@slipway/core/object-store/content-digest';
import { Crc64 } from '@slipway/core/object-store/crc64';
import { type OssServer, startOss } from '@slipway/sandbox/oss/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs as definitions } from './inputs.ts';
import { type Outputs, run } from './run.ts';

const key = { accessKeyId: 'LTAI5tExample', accessKeySecret: 'a-secret-of-many-letters' };
const temporary = { accessKeyId: 'STS.Example', accessKeySecret: 'another-secret', securityToken: 'token/of+many==' };
const NAME = 'acme-cron-v1.2.0.tar.gz';
const URI = `oss://infra/plugins/acme-cron/${NAME}`;
const crc64 = (bytes: Buffer): string => String(new Crc64().update(bytes).digest());
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

let directory: string;
let server: OssServer;
let clock: number;
let log: string[];
let masked: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'upload-'));
  [clock, log, masked] = [0, [], []];
  server = await startOss({
    directory: join(directory, 'oss'),
    region: 'cn-hangzhou',
    buckets: ['infra'],
    credentials: [key, temporary],
    now: () => new Date(Date.now() + clock),
  });
  await configure('secure: true');
});

afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

async function configure(oss: string): Promise<void> {
  const upload = 'oss://infra/plugins/{prefix}{plugin}/{file}';
  const text = `plugins: { prefix: acme-, upload: "${upload}" }\noss: { region: oss-cn-hangzhou, endpoint: "${server.url}", ${oss} }\n`;
  await writeFile(join(directory, 'slipway.yaml'), text);
}

async function makePackage(bytes: Buffer): Promise<Package> {
  const file = join(directory, NAME);
  await writeFile(file, bytes);
  const images = [{ source: 'a.example.com/x:v1', target: 'b.example.com/x:v1', name: 'x' }];
  return { plugin: 'cron', version: 'v1.2.0', file, sha256: sha256(bytes), size: bytes.length, commit: '', images };
}

const asKey = ({ accessKeyId, accessKeySecret }: typeof key) => ({
  'access-key-id': accessKeyId,
  'access-key-secret': accessKeySecret,
});

async function upload(
  given: Record<string, string>,
  { env = {}, event = {} }: { env?: NodeJS.ProcessEnv; event?: Partial<EventContext> } = {},
): Promise<Outputs> {
  const all: Record<string, string> = { config: join(directory, 'slipway.yaml'), ...asKey(key), ...given };
  const runtime = recordRuntime({ RUNNER_TEMP: directory, ...env }, event);
  const inputs = readInputs(definitions, (name) => all[name] ?? '', runtime.mask);
  return run(inputs, runtime).finally(() => {
    log.push(...runtime.lines);
    masked.push(...runtime.masked);
  });
}

const uploadPackage = async (bytes: Buffer, given: Record<string, string> = {}): Promise<Outputs> =>
  upload({ package: JSON.stringify(await makePackage(bytes)), ...given });
const sent = (method: string, path = /./): number =>
  server.requests.filter((request) => request.method === method && path.test(request.path)).length;

/** Expects the package and its checksum, and nothing unfinished. */
async function expectStored(bytes: Buffer): Promise<void> {
  const [stored, checksum] = await server.objects('infra');
  const digest = sha256(bytes);
  expect(stored).toMatchObject({ key: `plugins/acme-cron/${NAME}`, size: bytes.length, crc64: crc64(bytes) });
  expect(stored?.meta['sha256']).toBe(digest);
  expect(checksum?.key).toBe(`plugins/acme-cron/${NAME}.sha256`);
  expect(await readFile(checksum?.body ?? '', 'utf8')).toBe(`${digest}  ${NAME}\n`);
  expect((await readFile(stored?.body ?? '')).equals(bytes)).toBe(true);
}

describe('a package', () => {
  it.each([
    [1, 0],
    [SMALLEST_PART, 0],
    [SMALLEST_PART + 1, 2],
    [3 * SMALLEST_PART + 77, 4],
  ])('of %i bytes is uploaded in %i parts', async (size, parts) => {
    const bytes = randomBytes(size);
    const outputs = await uploadPackage(bytes);
    expect(outputs).toMatchObject({
      uri: URI,
      crc64: crc64(bytes),
      changed: true,
      package: { uri: URI, plugin: 'cron' },
    });
    expect(outputs.comment).toBe(`packages uploaded to\n${URI}\n/queue done-package-uploaded`);
    expect(outputs.plan.map(({ result }) => result)).toEqual(['upload', 'upload']);
    await expectStored(bytes);
    expect(sent('PUT', /partNumber=/)).toBe(parts);
    expect(await server.uploads('infra')).toEqual([]);
    const authorizations = server.requests.map(({ headers }) => headers.authorization ?? '');
    expect(authorizations.every((header) => header.startsWith('OSS4-HMAC-SHA256 '))).toBe(true);
    const forbidding = server.requests.filter(({ headers }) => headers['x-oss-forbid-overwrite'] === 'true');
    expect(forbidding).toHaveLength(parts === 0 ? 2 : 3);
  });

  it('that is there already is left alone', async () => {
    const bytes = randomBytes(100);
    await uploadPackage(bytes);
    const before = sent('PUT');
    const outputs = await uploadPackage(bytes);
    expect(outputs).toMatchObject({ changed: false, uri: URI, crc64: crc64(bytes) });
    expect(outputs.comment).toContain(URI);
    expect(outputs.plan.map(({ result }) => result)).toEqual(['unchanged', 'unchanged']);
    expect(sent('PUT')).toBe(before);
  });

  it('of which only the checksum is missing gets that', async () => {
    const bytes = randomBytes(100);
    server.failNext({ kind: 'status', status: 403, method: 'PUT', path: /sha256$/ });
    await expect(uploadPackage(bytes)).rejects.toThrow(/cannot upload .*\.sha256: 403/);
    expect((await uploadPackage(bytes)).plan.map(({ result }) => result)).toEqual(['unchanged', 'upload']);
    await expectStored(bytes);
  });

  it('is never replaced by another, unless a person asks for it', async () => {
    const [old, fresh] = [randomBytes(100), randomBytes(100)];
    await uploadPackage(old);
    const error = uploadPackage(fresh);
    await expect(error).rejects.toMatchObject({ name: 'ConfigurationError', code: 'object-exists' });
    await expect(error).rejects.toThrow(new RegExp(`${sha256(old)}.*${crc64(old)}.*${sha256(fresh)}.*${crc64(fresh)}`));
    await expect(error).rejects.toThrow('bump the version, or dispatch with `overwrite: true` and a reason');
    await expectStored(old);

    await expect(uploadPackage(fresh, { overwrite: 'true' })).rejects.toMatchObject({ code: 'overwrite-reason' });
    const outputs = await uploadPackage(fresh, { overwrite: 'true', reason: 'the first one was cut' });
    expect(outputs.plan.map(({ result }) => result)).toEqual(['overwrite', 'overwrite']);
    expect(log.join('\n')).toContain('the first one was cut');
    await expectStored(fresh);
  });

  it('is not replaced in a workflow that a push or a comment started', async () => {
    const event = { name: 'issue_comment' };
    await expect(upload({ file: 'x', overwrite: 'true', reason: 'x' }, { event })).rejects.toMatchObject({
      code: 'overwrite-event',
    });
  });

  it('must be the one that was bundled', async () => {
    const made = await makePackage(randomBytes(100));
    await writeFile(made.file, randomBytes(100));
    await expect(upload({ package: JSON.stringify(made) })).rejects.toMatchObject({ code: 'package-changed' });
    expect(server.requests.map(({ method }) => method)).toEqual(['HEAD', 'HEAD']);
  });

  it('keeps its name when the file lies under another one', async () => {
    const bytes = randomBytes(100);
    const made = await makePackage(bytes);
    const moved = join(directory, 'artifact.bin');
    await rename(made.file, moved);
    expect(await upload({ package: JSON.stringify(made), file: moved })).toMatchObject({ uri: URI });
    await expectStored(bytes);
  });

  it('whose checksum object holds something else says which object that is', async () => {
    const bytes = randomBytes(100);
    const other = join(directory, 'other');
    await writeFile(other, 'junk');
    await upload({ file: other, destination: `${URI}.sha256` });
    await expect(uploadPackage(bytes)).rejects.toThrow(
      /\.sha256 \(the checksum beside the package\) exists with other/,
    );
  });

  it('is only planned with dry-run', async () => {
    const outputs = await uploadPackage(randomBytes(100), { 'dry-run': 'true' });
    expect(outputs).toMatchObject({
      changed: false,
      uri: URI,
      comment: '',
      plan: [{ result: 'upload' }, { uri: `${URI}.sha256` }],
    });
    expect(outputs.package).not.toHaveProperty('uri');
    expect(server.requests.map(({ method }) => method)).toEqual(['HEAD', 'HEAD']);
  });
});

describe('a file', () => {
  const file = (): string => join(directory, 'notes.txt');

  it('goes where the destination says, without a configuration', async () => {
    await writeFile(file(), 'content');
    await rm(join(directory, 'slipway.yaml'));
    await writeFile(join(directory, 'slipway.yaml'), '{}');
    const given = { file: file(), region: 'cn-hangzhou', endpoint: `http://localhost:${server.port}` };
    const outputs = await upload({ ...given, destination: 'oss://infra/a b/' });
    expect(outputs).toMatchObject({ uri: 'oss://infra/a b/notes.txt', package: '', changed: true });
    expect((await server.objects('infra')).map((object) => object.key)).toEqual([
      'a b/notes.txt',
      'a b/notes.txt.sha256',
    ]);
    await expect(upload({ file: file(), destination: 'oss://infra/' })).rejects.toThrow(/oss.region is not configured/);
  });

  it('may have a name that has to be escaped everywhere', async () => {
    const bytes = randomBytes(SMALLEST_PART + 1);
    const name = "插件/a+b &c <d> 'e' (1)!*%20~.tar.gz";
    await writeFile(file(), bytes);
    await upload({ file: file(), destination: `oss://infra/${name}` });
    const [stored] = await server.objects('infra');
    expect([stored?.key, stored?.crc64]).toEqual([name, crc64(bytes)]);
  });

  it('is not enough for a destination that asks for a plugin', async () => {
    await writeFile(file(), 'content');
    await expect(upload({ file: file() })).rejects.toThrow(/plugins.upload: nothing says what \{plugin\}.*'package'/);
    await expect(upload({})).rejects.toThrow(/None of the inputs 'package', 'file' and 'plugin'/);
    await expect(upload({ file: file(), destination: 's3://x/y' })).rejects.toMatchObject({
      code: 'invalid-destination',
    });
    await expect(upload({ file: '/absent', destination: URI })).rejects.toThrow(/Cannot read \/absent: ENOENT/);
  });
});

describe('access', () => {
  it('comes from the environment, with its token', async () => {
    const bytes = Buffer.from('content');
    const env = {
      OSS_ACCESS_KEY_ID: temporary.accessKeyId,
      OSS_ACCESS_KEY_SECRET: temporary.accessKeySecret,
      OSS_SESSION_TOKEN: temporary.securityToken,
    };
    const given = { package: JSON.stringify(await makePackage(bytes)) };
    const none = { 'access-key-id': '', 'access-key-secret': '' };
    await upload({ ...given, ...none }, { env });
    await expectStored(bytes);
    expect(masked).toEqual(expect.arrayContaining(Object.values(env)));
    // The environment's token is not the one of the key that is given.
    expect((await upload(given, { env })).changed).toBe(false);
    await expect(upload({ ...given, ...none })).rejects.toThrow(/'access-key-id', or set OSS_ACCESS_KEY_ID/);
  });

  it.each([
    ['a wrong secret', { 'access-key-secret': 'wrong-secret' }, 'SignatureDoesNotMatch', '0002-00000201'],
    ['an unknown key', { 'access-key-id': 'LTAIunknown' }, 'InvalidAccessKeyId', '0002-00000902'],
    ['no token', asKey(temporary), 'InvalidAccessKeyId', '0002-00000003'],
    ['a wrong token', { ...asKey(temporary), 'security-token': 'wrong' }, 'InvalidSecurityToken', '0002-00000008'],
    ['a wrong region', { region: 'oss-cn-beijing' }, 'wrong-region', 'EC 0'],
    ['a missing bucket', { destination: 'oss://absent/x' }, 'NoSuchBucket', '0015-00000101'],
  ])('with %s says what is wrong and shows no secret', async (_, given, code, ec) => {
    const error: unknown = await uploadPackage(Buffer.from('content'), given).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    const { message, code: kind } = error as Error & { code: string };
    expect(`${kind} ${message}`).toContain(code);
    expect(message).toContain(ec);
    expect(message).toMatch(/127\.0\.0\.1:\d+: cannot look up oss:\/\/\S+\/\S+: 40[034] .*request id [0-9A-F]{24}/);
    for (const secret of [key.accessKeySecret, temporary.accessKeySecret, temporary.securityToken, 'wrong-secret']) {
      expect(`${message}${log.join()}`).not.toContain(secret);
    }
    expect(sent('HEAD')).toBe(1);
  });

  it.each([
    ['access-key-id', 'sécret'],
    ['access-key-secret', 'abc\ndef'],
    ['security-token', 'abc\r\nx-evil: 1'],
  ])('with an %s that no header can hold is refused by name', async (name, value) => {
    const error = await uploadPackage(Buffer.from('x'), { [name]: value }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'ConfigurationError', code: 'invalid-credentials' });
    expect(String(error)).toContain(`input '${name}'`);
    expect(String(error)).not.toContain(value);
    expect(server.requests).toEqual([]);
    const env = { OSS_ACCESS_KEY_ID: 'a b' };
    await expect(upload({ file: 'x', 'access-key-id': '' }, { env })).rejects.toThrow(/^OSS_ACCESS_KEY_ID holds/);
  });

  it('repeats no secret that OSS repeats', async () => {
    const body = `<Error><Code>AccessDenied</Code><Message>AKS=${key.accessKeySecret}</Message></Error>`;
    server.failNext({ kind: 'status', status: 403, method: 'PUT', body });
    const error: unknown = await uploadPackage(Buffer.from('x')).catch((reason: unknown) => reason);
    expect(String(error)).toContain('AccessDenied - AKS=***');
    expect(`${String(error)}${log.join()}`).not.toContain(key.accessKeySecret);
  });

  it('over TLS to a server that does not speak it says what to do for OSS', async () => {
    const error = uploadPackage(Buffer.from('x'), { endpoint: server.url.replace('http:', 'https:') });
    await expect(error).rejects.toThrow(/does not speak TLS: check the endpoint.*http:\/\//);
    await expect(error).rejects.not.toThrow(/plain-http/);
  });

  it('that is sent elsewhere says where to', async () => {
    server.failNext({ kind: 'status', status: 302, method: 'HEAD', headers: { location: 'https://b.example.com/x' } });
    await expect(uploadPackage(Buffer.from('x'))).rejects.toThrow('set oss.endpoint to https://b.example.com.');
  });

  it('with a wrong clock says so', async () => {
    clock = 20 * 60_000;
    await expect(uploadPackage(Buffer.from('content'))).rejects.toThrow(/RequestTimeTooSkewed.*clock is wrong/);
  });

  it('without encryption is refused', async () => {
    await configure('secure: false');
    await expect(uploadPackage(Buffer.from('x'), { endpoint: 'oss.example.com' })).rejects.toMatchObject({
      code: 'plain-http',
    });
  });
});
