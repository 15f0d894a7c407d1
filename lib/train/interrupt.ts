/**
 * Calls `stop` for the first Ctrl-C. The second finds no handler of ours and ends the process at once, as usual. Returns
 * what takes the handler away.
 */
export function onInterrupt(stop: () => void): () => void {
  const handler = () => {
    process.removeListener('SIGINT', handler);
    stop();
  };
  process.on('SIGINT', handler);
  return () => process.removeListener('SIGINT', handler);
}
