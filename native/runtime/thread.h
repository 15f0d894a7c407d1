// Threads of the library's own, which live as long as the process.
#pragma once

namespace thread {

// Starts a thread that is never joined; its stack suits kernels, whose large arrays are workspaces. False if the system
// refuses. The library stays loaded from then on: Node unloads an addon when the last environment that loaded it ends, a
// worker_thread say, and the thread goes on in its code.
bool start(void* (*main)(void*));

// Lets the processor rest for a moment in a loop that waits for another thread.
void pause();

}  // namespace thread
