/** Name, code and full text of the error that `body` throws. */
export function failure(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    const { name, code, message } = error as { name: string; code?: string; message: string };
    return `${name} ${code} ${message}`;
  }
  return 'nothing was thrown';
}
