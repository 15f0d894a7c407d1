// The example's server with a network that takes a while: slowserver.mjs SERVER. Prints its port.
import { pathToFileURL } from 'node:url';
import { compile, InferenceSession, nn, setThreads, zeros } from 'convforge';

const { classificationServer } = await import(pathToFileURL(process.argv[2]).href);
setThreads(1);
const layers = Array.from({ length: 12 }, () => new nn.Conv2d(96, 96, 3, { padding: 1 }));
const net = new nn.Sequential(new nn.Conv2d(3, 96, 3), ...layers, new nn.AdaptiveAvgPool2d(1), new nn.Flatten());
const session = await InferenceSession.create(compile(net, zeros([1, 3, 224, 224])), { threads: 1 });
const server = classificationServer(session);
server.listen(0, () => console.log(server.address().port));
