#include <stdint.h>

// What a step is; the numbers are those of Kind in record.go.
enum { STEP_OPEN, STEP_WRITE, STEP_TRUNCATE, STEP_SYNC, STEP_SYNC_BOTH, STEP_DELETE, STEP_DELETE_BOTH };

// powerloss_start makes the VFS that records the default one; the steps go to
// the recorder of that handle. powerloss_stop makes the earlier one the default.
int powerloss_start(uintptr_t handle);
int powerloss_stop(void);

// In record.go.
extern void powerlossStep(uintptr_t handle, int kind, char *name, void *data, long long n, long long at);
