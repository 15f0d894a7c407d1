// How many threads this process should use unless told otherwise.
#pragma once

// The smallest of: physical cores (two hyperthreads share one FMA unit), the affinity mask, and the CPU quota of the
// process's control groups, which os.availableParallelism() does not know on every supported Node. At least 1.
int usableCores();
