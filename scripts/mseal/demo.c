// SPDX-License-Identifier: GPL-2.0-only
/*
 * Show what each flag of mseal(2) refuses. Tries it on the running kernel and
 * prints one line for each operation and each set of flags:
 *
 *	operation|seal|answer
 *
 * The answer is "ok", the name of an error, "ok, not done" if there was no error
 * but no effect either, "old break" for brk(2), which refuses by returning the
 * old end of the heap, "no such flag" if mseal() does not know the flag, or "not
 * here" if the machine lacks something. "make run" makes a table of these, with
 * another kernel's answers beside them.
 *
 * Every line is a process and a mapping of its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/mman.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __NR_mseal
#define __NR_mseal		462
#endif
#ifndef MSEAL_MAP
#define MSEAL_MAP		0x1UL
#define MSEAL_PROT		0x2UL
#define MSEAL_DISCARD		0x4UL
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL	102
#define MADV_GUARD_REMOVE	103
#endif

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
/* Answers that are not error numbers */
#define NOT_DONE	-1
#define OLD_BREAK	-2

static size_t page, len;

/* Mappings, all of them filled */

static char *fill(char *at)
{
	return at == MAP_FAILED ? NULL : memset(at, 's', len);
}

static char *read_only(char *at)
{
	return at && !mprotect(at, len, PROT_READ) ? at : NULL;
}

static char *map(int flags, int fd)
{
	return fill(mmap(NULL, len, PROT_READ | PROT_WRITE, flags, fd, 0));
}

static char *anon(void)
{
	return map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static char *anon_ro(void)
{
	return read_only(anon());
}

static char *shared_ro(void)
{
	return read_only(map(MAP_SHARED | MAP_ANONYMOUS, -1));
}

/* Like a program's data after relocation: private copies of a file's pages. */
static char *file_ro(void)
{
	int fd = memfd_create("demo", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, len))
		return NULL;
	return read_only(map(MAP_PRIVATE, fd));
}

static char *guarded(void)
{
	char *at = anon();

	return at && !madvise(at, len, MADV_GUARD_INSTALL) ? at : NULL;
}

static char *heap(void)
{
	char *at = (char *)((syscall(SYS_brk, 0) + page - 1) & -page);

	if (syscall(SYS_brk, at + len) != (long)(at + len))
		return NULL;
	return fill(at);
}

static char *segment(void)
{
	int id = shmget(IPC_PRIVATE, len, IPC_CREAT | 0600);
	char *at = id < 0 ? MAP_FAILED : shmat(id, NULL, 0);

	if (id >= 0)
		shmctl(id, IPC_RMID, NULL);
	return fill(at);
}

/* Writable, but the protection key does not let this thread write. */
static char *key_denied(void)
{
	char *at = anon();
	int key = syscall(SYS_pkey_alloc, 0, 2 /* PKEY_DISABLE_WRITE */);

	if (!at || key < 0 ||
	    syscall(SYS_pkey_mprotect, at, len, PROT_READ | PROT_WRITE, key))
		return NULL;
	return at;
}

/* Operations: -1 and errno if refused */

static long do_map_fixed(char *at)
{
	return mmap(at, len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		    -1, 0) == MAP_FAILED ? -1 : 0;
}

static long do_move(char *at)
{
	char *to = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mremap(at, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to ? 0 : -1;
}

/* brk(2) returns no errors: it returns the end of the heap. */
static long do_brk(char *at)
{
	if (syscall(SYS_brk, at + page) == (long)(at + page))
		return 0;
	errno = OLD_BREAK;
	return -1;
}

static long do_shmdt(char *at)
{
	if (shmdt(at))
		return -1;
	/* It succeeded, so the mapping must be gone. */
	if (!madvise(at, len, MADV_NORMAL))
		errno = NOT_DONE;
	return errno == NOT_DONE ? -1 : 0;
}

#define SIMPLE(name, call)						\
	static long do_##name(char *at)					\
	{								\
		return call;						\
	}

SIMPLE(munmap, munmap(at, len))
SIMPLE(mprotect, mprotect(at, len, PROT_NONE))
SIMPLE(pkey_mprotect, syscall(SYS_pkey_mprotect, at, len, PROT_READ, -1))
SIMPLE(empty, mremap(at, len, len, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL) ==
	      MAP_FAILED ? -1 : 0)
SIMPLE(dontneed, madvise(at, len, MADV_DONTNEED))
SIMPLE(remove, madvise(at, len, MADV_REMOVE))
SIMPLE(dontfork, madvise(at, len, MADV_DONTFORK))
SIMPLE(guard_install, madvise(at, len, MADV_GUARD_INSTALL))
SIMPLE(guard_remove, madvise(at, len, MADV_GUARD_REMOVE))

static const struct {
	const char *name;
	char *(*make)(void);
	long (*run)(char *at);
} ops[] = {
	{ "munmap",				anon,		do_munmap },
	{ "mmap MAP_FIXED over it",		anon,		do_map_fixed },
	{ "mremap elsewhere",			anon,		do_move },
	{ "brk: shrink the heap",		heap,		do_brk },
	{ "shmdt",				segment,	do_shmdt },
	{ "MADV_DONTFORK, writable",		anon,		do_dontfork },
	{ "MADV_DONTFORK, read-only file copy",	file_ro,	do_dontfork },
	{ "mprotect",				anon,		do_mprotect },
	{ "pkey_mprotect",			key_denied,	do_pkey_mprotect },
	{ "MADV_GUARD_INSTALL",			anon,		do_guard_install },
	{ "MADV_GUARD_REMOVE",			guarded,	do_guard_remove },
	{ "MADV_DONTNEED, writable",		anon,		do_dontneed },
	{ "MADV_DONTNEED, read-only",		anon_ro,	do_dontneed },
	{ "MADV_DONTNEED, no write by key",	key_denied,	do_dontneed },
	{ "MADV_DONTNEED, read-only file copy",	file_ro,	do_dontneed },
	{ "MADV_DONTNEED, read-only shared",	shared_ro,	do_dontneed },
	{ "MADV_REMOVE, read-only shared",	shared_ro,	do_remove },
	{ "mremap DONTUNMAP, read-only",	anon_ro,	do_empty },
};

static const struct {
	const char *name;
	long flags;
} seals[] = {
	{ "no seal", -1 }, { "0", 0 },
	{ "MAP", MSEAL_MAP }, { "PROT", MSEAL_PROT }, { "DISCARD", MSEAL_DISCARD },
};

static const char *answer(int err)
{
	if (err == OLD_BREAK)
		return "old break";
	return err == NOT_DONE ? "ok, not done" : strerrorname_np(err);
}

static const char *ask(size_t op, long flags)
{
	char *at = ops[op].make();

	if (!at)
		return "not here";
	if (flags >= 0 && syscall(__NR_mseal, at, len, flags))
		return errno == EINVAL ? "no such flag" : answer(errno);
	return ops[op].run(at) ? answer(errno) : "ok";
}

int main(void)
{
	int status, failed = 0;

	page = sysconf(_SC_PAGESIZE);
	len = 4 * page;
	for (size_t op = 0; op < ARRAY_SIZE(ops); op++) {
		for (size_t i = 0; i < ARRAY_SIZE(seals); i++) {
			pid_t pid = fork();

			if (!pid) {
				dprintf(1, "%s|%s|%s\n", ops[op].name, seals[i].name,
					ask(op, seals[i].flags));
				_exit(0);
			}
			if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
				failed = 1;
		}
	}
	return failed;
}
