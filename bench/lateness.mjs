/** How late timers of 5 ms are, in order, while `work` is done again and again: `at(0.99)` is the 99th percentile. */
export async function lateTimers(seconds, work) {
  const late = [];
  let due = performance.now() + 5;
  const tick = () => {
    late.push(Math.max(0, performance.now() - due));
    due = performance.now() + 5;
    timer = setTimeout(tick, 5);
  };
  let timer = setTimeout(tick, 5);
  const end = performance.now() + 1000 * seconds;
  while (performance.now() < end) await work();
  clearTimeout(timer);
  late.push(Math.max(0, performance.now() - due)); // one that could not run until now
  late.sort((a, b) => a - b);
  return { at: (share) => late[Math.min(late.length - 1, Math.floor(share * late.length))] };
}
