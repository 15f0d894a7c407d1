import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cifar10, type DownloadProgress, download, fashionMnist, mnist } from '../../lib/data/index.js';
import { ArgumentError, DataError, Generator } from '../../lib/index.js';

const generator = new Generator(1);
const CONTENT = Buffer.from(Uint8Array.from({ length: 200_000 }, () => generator.integer(256)));
const md5 = createHash('md5').update(CONTENT).digest('hex');
const sha256 = createHash('sha256').update(CONTENT).digest('hex');

let server: Server;
let address: string;
let folder: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let requests: { url?: string; range?: string }[];

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push({ url: request.url, range: request.headers.range });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'convforge-download-'));
  requests = [];
  answer = serveRanges();
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (name = 'data.bin') => join(folder, name);
const isWhole = (path = file()) => readFileSync(path).equals(CONTENT) && !existsSync(`${path}.part`);

/** Serves CONTENT and parts of it; the connection breaks after `cutAfter` bytes of an answer. */
function serveRanges(cutAfter = Number.POSITIVE_INFINITY, content = CONTENT) {
  return ({ headers: { range } }: IncomingMessage, response: ServerResponse) => {
    const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    if (range && start >= content.length) {
      response.writeHead(416).end();
      return;
    }
    const rest = content.subarray(start);
    const head = {
      'content-length': rest.length,
      'content-range': `bytes ${start}-${content.length - 1}/${content.length}`,
    };
    response.writeHead(range ? 206 : 200, head);
    if (rest.length <= cutAfter) response.end(rest);
    else response.write(rest.subarray(0, cutAfter), () => response.destroy());
  };
}

describe('download', () => {
  it('fetches a file, tells how far it is, and fetches nothing that is there', async () => {
    const progress: DownloadProgress[] = [];
    await download(`${address}/x`, file('deep/down/data.bin'), {
      md5,
      sha256,
      onProgress: (each) => progress.push(each),
    });
    expect(isWhole(file('deep/down/data.bin'))).toBe(true);
    expect(progress.at(-1)).toEqual({ received: CONTENT.length, total: CONTENT.length });
    expect(progress.every(({ received }, i) => i === 0 || received > progress[i - 1].received)).toBe(true);
    await download(`${address}/x`, file('deep/down/data.bin'), { md5: '0'.repeat(32) });
    expect(requests.length).toBe(1);
  });

  it('goes on where a connection broke, as often as it breaks', async () => {
    answer = serveRanges(60_000);
    await download(`${address}/x`, file(), { sha256: sha256.toUpperCase() });
    expect(isWhole()).toBe(true);
    const starts = requests.map(({ range }) => Number(/\d+/.exec(range ?? '0')?.[0]));
    expect(starts.length).toBeGreaterThanOrEqual(4);
    expect(starts.every((start, i) => i === 0 || start > starts[i - 1])).toBe(true);
  });

  it('goes on with what another process has left', async () => {
    writeFileSync(`${file()}.part`, CONTENT.subarray(0, 150_000));
    await download(`${address}/x`, file(), { md5 });
    expect(isWhole()).toBe(true);
    expect(requests.map(({ range }) => range)).toEqual(['bytes=150000-']);
  });

  it('takes a complete part for what it is', async () => {
    writeFileSync(`${file()}.part`, CONTENT);
    await download(`${address}/x`, file(), { md5 });
    expect([isWhole(), requests.length]).toEqual([true, 1]);
  });

  it('starts over when the server does not know ranges', async () => {
    answer = (_, response) => response.writeHead(200, { 'content-length': CONTENT.length }).end(CONTENT);
    writeFileSync(`${file()}.part`, CONTENT.subarray(0, 1000));
    await download(`${address}/x`, file(), { md5 });
    expect(isWhole()).toBe(true);
  });

  it('starts over when what was left is of something else', async () => {
    writeFileSync(`${file()}.part`, Buffer.alloc(150_000));
    await download(`${address}/x`, file(), { md5 });
    expect([isWhole(), requests.map(({ range }) => range)]).toEqual([true, ['bytes=150000-', undefined]]);
  });

  it('without a checksum takes nothing that was left', async () => {
    writeFileSync(`${file()}.part`, Buffer.alloc(150_000));
    await download(`${address}/x`, file());
    expect([isWhole(), requests.map(({ range }) => range)]).toEqual([true, [undefined]]);
  });

  it('copes with lengths that are not told', async () => {
    const totals = new Set<number | null>();
    answer = (_, response) => {
      response.write(CONTENT.subarray(0, 10));
      response.end(CONTENT.subarray(10));
    };
    await download(`${address}/x`, file(), { md5, onProgress: ({ total }) => totals.add(total) });
    expect([isWhole(), [...totals]]).toEqual([true, [null]]);
  });

  it('refuses a file with another checksum and keeps nothing of it', async () => {
    const expected = '0'.repeat(64);
    await expect(download(`${address}/x`, file(), { sha256: expected })).rejects.toThrow(
      `download: data.bin cannot be had:\n  ${address}/x: the sha256 checksum is ${sha256}, expected ${expected}; what arrived is deleted\n` +
        `Without a network, get the file elsewhere and save it as ${file()}`,
    );
    expect([existsSync(file()), existsSync(`${file()}.part`)]).toEqual([false, false]);
  });

  it('tries the addresses in turn, and says what each of them answered', async () => {
    answer = ({ url }, response) => {
      if (url === '/gone') response.writeHead(404, 'Not Found').end('a page');
      else serveRanges()({ headers: {} } as IncomingMessage, response);
    };
    await download([`${address}/gone`, `${address}/here`], file(), { md5 });
    expect(isWhole()).toBe(true);
    const error = await download([`${address}/gone`, 'http://127.0.0.1:1/closed'], file('other')).catch((each) => each);
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toMatch(
      /^download: other cannot be had:\n {2}http.*\/gone: the server answers 404 Not Found\n {2}http:.*\/closed: .+\nWithout a network/,
    );
    expect(existsSync(file('other'))).toBe(false);
  });

  it('gives up on a server that only ever breaks off', async () => {
    answer = (_, response) => response.destroy();
    await expect(download(`${address}/x`, file(), { md5 })).rejects.toThrow(`${address}/x: fetch failed`);
    expect(requests.length).toBe(3);
  });

  it('says so when there is no network', async () => {
    await expect(download('http://no-such-host.invalid/x', file())).rejects.toThrow(
      'http://no-such-host.invalid/x: the address is not found: is there a network?',
    );
  });

  it('stops at a signal, and goes on from there', async () => {
    const controller = new AbortController();
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': CONTENT.length });
      response.write(CONTENT.subarray(0, 50_000)); // and no more
    };
    const stopped = download(`${address}/x`, file(), {
      md5,
      signal: controller.signal,
      onProgress: ({ received }) => received >= 50_000 && controller.abort(),
    });
    await expect(stopped).rejects.toMatchObject({
      code: 'ERR_ABORTED',
      message: expect.stringContaining('was stopped'),
    });
    expect([existsSync(file()), readFileSync(`${file()}.part`).length]).toEqual([false, 50_000]);
    answer = serveRanges();
    await download(`${address}/x`, file(), { md5 });
    expect([isWhole(), requests.at(-1)?.range]).toEqual([true, 'bytes=50000-']);
  });

  it('fetches once what is asked for twice at a time', async () => {
    await Promise.all([1, 2, 3].map(() => download(`${address}/x`, file(), { md5 })));
    expect([isWhole(), requests.length]).toEqual([true, 1]);
  });

  it('goes on for others when the first who asked stops', async () => {
    const controller = new AbortController();
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': CONTENT.length });
      response.write(CONTENT.subarray(0, 50_000)); // and no more
    };
    const onProgress = ({ received }: DownloadProgress) => {
      if (received < 50_000) return;
      answer = serveRanges();
      controller.abort();
    };
    const first = download(`${address}/x`, file(), { md5, signal: controller.signal, onProgress });
    const second = download(`${address}/x`, `${folder}/./data.bin`, { md5 });
    await expect(first).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    await second;
    expect([isWhole(), requests.map(({ range }) => range)]).toEqual([true, [undefined, 'bytes=50000-']]);
  });

  it('refuses checksums that are none, and no address', async () => {
    await expect(download([], file())).rejects.toThrow(ArgumentError);
    await expect(download(address, file(), { md5: 'abc' })).rejects.toThrow(
      'download: md5 must be 32 hexadecimal digits, got "abc"',
    );
    await expect(download(address, file(), { sha256: 'x'.repeat(64) })).rejects.toThrow(
      'sha256 must be 64 hexadecimal digits',
    );
  });
});

describe('datasets are downloaded', () => {
  const before = process.env.CONVFORGE_DATA;
  beforeEach(() => {
    process.env.CONVFORGE_DATA = folder;
  });
  afterEach(() => {
    if (before === undefined) delete process.env.CONVFORGE_DATA;
    else process.env.CONVFORGE_DATA = before;
  });

  it('from where a mirror has them, with the checksum of the original', async () => {
    answer = (_, response) => response.end(gzipSync(CONTENT));
    await expect(mnist({ mirror: `${address}/mirror/` })).rejects.toThrow(
      /train-images-idx3-ubyte\.gz cannot be had:\n.*\/mirror\/train-images-idx3-ubyte\.gz: the md5 checksum is [0-9a-f]{32}, expected f68b3c2d/,
    );
    await expect(fashionMnist({ split: 'test', mirror: address })).rejects.toThrow(
      join(folder, 'fashion-mnist', 't10k-images-idx3-ubyte.gz'),
    );
    await expect(cifar10({ mirror: address })).rejects.toThrow(
      `Without a network, get the file elsewhere and save it as ${join(folder, 'cifar10', 'cifar-10-binary.tar.gz')}`,
    );
    expect(requests.map(({ url }) => url)).toEqual([
      '/mirror/train-images-idx3-ubyte.gz',
      '/t10k-images-idx3-ubyte.gz',
      '/cifar-10-binary.tar.gz',
    ]);
  });

  it('only where that is wanted', async () => {
    await expect(mnist({ download: false, mirror: address })).rejects.toThrow(
      `mnist: there is no train-images-idx3-ubyte or train-images-idx3-ubyte.gz in ${join(folder, 'mnist')}`,
    );
    await expect(fashionMnist({ root: folder, mirror: address })).rejects.toThrow(
      `fashionMnist: there is no train-images`,
    );
    await expect(cifar10({ root: folder, mirror: address, split: 'test' })).rejects.toThrow(
      `cifar10: there is no test_batch.bin or cifar-10-binary.tar.gz in ${folder}`,
    );
    await expect(mnist({ mirror: 'mirror.example/mnist' })).rejects.toThrow(
      'mnist: mirror must be an address such as https://…, got "mirror.example/mnist"',
    );
    expect(requests).toEqual([]);
    await expect(cifar10({ root: folder, download: true, mirror: address })).rejects.toThrow(DataError);
    expect(requests.length).toBe(1);
  });

  it('to the cache folder of the user, where no other is named', async () => {
    delete process.env.CONVFORGE_DATA;
    const cache = process.env.XDG_CACHE_HOME;
    process.env.XDG_CACHE_HOME = folder;
    try {
      const { dataFolder } = await import('../../lib/data/datafolder.js');
      const expected =
        process.platform === 'linux' ? join(folder, 'convforge', 'mnist') : expect.stringMatching(/convforge.mnist$/);
      expect(dataFolder('mnist')).toEqual(expected);
    } finally {
      if (cache === undefined) delete process.env.XDG_CACHE_HOME;
      else process.env.XDG_CACHE_HOME = cache;
    }
  });
});
