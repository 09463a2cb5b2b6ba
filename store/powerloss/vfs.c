// The VFS that records. It is the default VFS of SQLite with three methods of
// its files, and its deletion of files, replaced: each does what it did and
// then reports it. Everything else (locks, shared memory, reads) is as before.
#include "vfs.h"

#include <string.h>
#include <unistd.h>

// The declarations of sqlite3.h that are needed, which never change
// (https://sqlite.org/c3ref/vfs.html, https://sqlite.org/c3ref/io_methods.html).
// Methods that are only copied are declared as any.
typedef struct sqlite3_file sqlite3_file;
typedef struct sqlite3_vfs sqlite3_vfs;
typedef void (*any)(void);
typedef struct {
	int iVersion;
	int (*xClose)(sqlite3_file *);
	any xRead;
	int (*xWrite)(sqlite3_file *, const void *, int, long long);
	int (*xTruncate)(sqlite3_file *, long long);
	int (*xSync)(sqlite3_file *, int);
	any rest[13];
} io_methods;
struct sqlite3_file {
	const io_methods *methods;
};
struct sqlite3_vfs {
	int iVersion, szOsFile, mxPathname;
	sqlite3_vfs *pNext;
	const char *zName;
	void *pAppData;
	int (*xOpen)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);
	int (*xDelete)(sqlite3_vfs *, const char *, int);
	any some[11];
	int (*xSetSystemCall)(sqlite3_vfs *, const char *, any);
	any (*xGetSystemCall)(sqlite3_vfs *, const char *);
	any last;
};

// Weak, so that this package builds by itself; the program that uses it has
// SQLite linked in by another one.
extern sqlite3_vfs *sqlite3_vfs_find(const char *) __attribute__((weak));
extern int sqlite3_vfs_register(sqlite3_vfs *, int) __attribute__((weak));

enum { OPEN_DELETEONCLOSE = 0x8 };

// What follows the file of the default VFS in memory.
typedef struct {
	io_methods mine;
	const io_methods *theirs;
	const char *name; // SQLite keeps it until the file is closed
} trailer;

static sqlite3_vfs *base, recording;
static uintptr_t recorder;
static int (*open_directory)(const char *, int *);
static __thread int directory; // a folder was opened, which is done to sync it

static trailer *of(sqlite3_file *f) { return (trailer *)((char *)f + base->szOsFile); }

static void report(int kind, const char *name, const void *data, long long n, long long at) {
	if (recorder) powerlossStep(recorder, kind, (char *)name, (void *)data, n, at);
}

static int file_write(sqlite3_file *f, const void *data, int n, long long at) {
	int rc = of(f)->theirs->xWrite(f, data, n, at);
	if (rc == 0) report(STEP_WRITE, of(f)->name, data, n, at);
	return rc;
}

static int file_truncate(sqlite3_file *f, long long size) {
	int rc = of(f)->theirs->xTruncate(f, size);
	if (rc == 0) report(STEP_TRUNCATE, of(f)->name, 0, 0, size);
	return rc;
}

static int file_sync(sqlite3_file *f, int flags) {
	directory = 0;
	int rc = of(f)->theirs->xSync(f, flags);
	if (rc == 0) report(directory ? STEP_SYNC_BOTH : STEP_SYNC, of(f)->name, 0, 0, 0);
	return rc;
}

static int vfs_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out) {
	int rc = base->xOpen(base, name, f, flags, out);
	(void)v;
	if (rc != 0 || name == 0 || flags & OPEN_DELETEONCLOSE) return rc;
	trailer *t = of(f);
	t->theirs = f->methods;
	t->name = name;
	memcpy(&t->mine, t->theirs, sizeof t->mine);
	t->mine.xWrite = file_write;
	t->mine.xTruncate = file_truncate;
	t->mine.xSync = file_sync;
	f->methods = &t->mine;
	report(STEP_OPEN, name, 0, 0, 0);
	return 0;
}

static int vfs_delete(sqlite3_vfs *v, const char *name, int sync) {
	(void)v;
	directory = 0;
	int there = access(name, F_OK) == 0;
	int rc = base->xDelete(base, name, sync);
	if (rc == 0 && there) report(directory ? STEP_DELETE_BOTH : STEP_DELETE, name, 0, 0, 0);
	return rc;
}

static int note_directory(const char *name, int *fd) {
	directory = 1;
	return open_directory(name, fd);
}

int powerloss_start(uintptr_t handle) {
	if (!sqlite3_vfs_find || !sqlite3_vfs_register || recorder) return -1;
	base = sqlite3_vfs_find(0);
	if (!base || base->iVersion < 3) return -1;
	open_directory = (int (*)(const char *, int *))base->xGetSystemCall(base, "openDirectory");
	if (!open_directory || base->xSetSystemCall(base, "openDirectory", (any)note_directory)) return -1;
	recording = *base;
	recording.zName = "powerloss";
	recording.pNext = 0;
	recording.szOsFile = base->szOsFile + (int)sizeof(trailer);
	recording.xOpen = vfs_open;
	recording.xDelete = vfs_delete;
	recorder = handle;
	return sqlite3_vfs_register(&recording, 1);
}

int powerloss_stop(void) {
	recorder = 0;
	base->xSetSystemCall(base, "openDirectory", 0); // the one it began with
	return sqlite3_vfs_register(base, 1);
}
