// An HTTP server that classifies pictures and goes on answering meanwhile: the network runs on threads of its own.
//
//   node examples/server.mjs model.onnx [labels.txt]
//   curl --data-binary @assets/images/china.jpg http://localhost:8080/classify
//   curl http://localhost:8080/health
//
// A client that goes away takes its computation with it. See classify.mjs for where to get a model.
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';
import { InferenceSession } from 'convforge';
import { readImage } from 'convforge/io';
import { pictureSize, preprocess, readLabels, topFive } from './imagenet.mjs';

const LARGEST_PICTURE = 16 * 2 ** 20;

/** A problem of the request, which the client is told. */
class RequestError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** A server for a session; `listen` it where it is wanted. */
export function classificationServer(session, labels) {
  const [input] = session.inputNames;
  const [output] = session.outputNames;
  const size = pictureSize(session);
  const counts = { running: 0, answered: 0, abandoned: 0 };

  async function classify(request, signal) {
    const bytes = await readBody(request);
    const photograph = await readImage(bytes).catch((error) => {
      throw new RequestError(415, error.message);
    });
    const start = performance.now();
    const results = await session.run({ [input]: preprocess(photograph, size) }, { signal });
    return { classes: topFive(results[output], labels), milliseconds: performance.now() - start };
  }

  async function answer(request, response) {
    const route = `${request.method} ${request.url}`;
    if (route === 'GET /health') return { status: 'ok', ...counts };
    if (route !== 'POST /classify') throw new RequestError(404, `there is no ${route}`);
    // The connection closes after every answer, too; then there is nothing left to abort.
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    counts.running++;
    try {
      const result = await classify(request, gone.signal);
      counts.answered++;
      return result;
    } catch (error) {
      if (gone.signal.aborted) counts.abandoned++;
      throw error;
    } finally {
      counts.running--;
    }
  }

  return createServer(async (request, response) => {
    const send = (status, body) => {
      if (response.destroyed) return;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(`${JSON.stringify(body)}\n`);
    };
    try {
      send(200, await answer(request, response));
    } catch (error) {
      send(error.status ?? 500, { error: error.message });
    }
  });
}

async function readBody(request) {
  const tooLarge = () => new RequestError(413, `pictures may have ${LARGEST_PICTURE} bytes`);
  if (Number(request.headers['content-length']) > LARGEST_PICTURE) throw tooLarge();
  const parts = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length > LARGEST_PICTURE) throw tooLarge(); // more than was announced: the connection ends here
    parts.push(part);
  }
  return Buffer.concat(parts);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [path, labelFile] = process.argv.slice(2);
  if (!path) {
    console.error('usage: node examples/server.mjs model.onnx [labels.txt]');
    process.exit(2);
  }
  const session = await InferenceSession.create(path);
  const server = classificationServer(session, labelFile ? readLabels(labelFile) : undefined);
  const port = Number(process.env.PORT ?? 8080);
  server.listen(port, () => console.log(`http://localhost:${server.address().port}`));
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => server.close(() => session.release()));
  }
}
