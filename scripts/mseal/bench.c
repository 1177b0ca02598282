// SPDX-License-Identifier: GPL-2.0
/*
 * Count instructions per system call. Under QEMU's -icount shift=0 one tick of
 * the TSC is one guest instruction, so the median of a few hundred calls is
 * exact and is the same in every run. Prints "row|process|median".
 *
 * Each process is a child of its own: one that has sealed nothing, one that has
 * sealed a mapping which no measured call touches, and one that is refused.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __NR_mseal
#define __NR_mseal 462
#endif

#define PAGE		4096UL
#define MAX_SAMPLES	501
#define MAX_VMAS	1000

enum process { UNSEALED, UNRELATED, REFUSED, NR_PROCESSES };

static const char * const process_names[NR_PROCESSES] = {
	[UNSEALED]	= "unsealed",
	[UNRELATED]	= "unrelated seals",
	[REFUSED]	= "refused",
};

static uint64_t samples[MAX_SAMPLES];
static unsigned int nr_samples;
static char *arena;			/* where the measured calls work */

static inline uint64_t now(void)
{
	uint32_t low, high;

	asm volatile("lfence\n\trdtsc" : "=a" (low), "=d" (high) :: "memory");
	return (uint64_t)high << 32 | low;
}

static void die(const char *what)
{
	printf("bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void check(bool ok, const char *what)
{
	if (!ok)
		die(what);
}

static void seal(void *addr, size_t len)
{
	check(!syscall(__NR_mseal, addr, len, 0), "mseal");
}

/* Time one system call, and check its result. */
static long timed(bool count, bool refused, long nr, long a, long b, long c,
		  long d, long e)
{
	uint64_t start, end;
	long ret;

	start = now();
	ret = syscall(nr, a, b, c, d, e, 0L);
	end = now();
	if (refused ? ret != -1 || errno != EPERM : ret == -1)
		die("an answer that was not expected");
	if (count)
		samples[nr_samples++] = end - start;
	return ret;
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void print_median(const char *row, enum process process)
{
	check(nr_samples, row);
	qsort(samples, nr_samples, sizeof(samples[0]), compare);
	printf("%s|%s|%llu\n", row, process_names[process],
	       (unsigned long long)samples[nr_samples / 2]);
	nr_samples = 0;
}

/*
 * Map nr mappings of a page each, side by side. Every other one has VM_DONTDUMP,
 * so that they do not merge, whatever is done to all of them.
 */
static void map_vmas(unsigned int nr)
{
	unsigned int i;

	check(mmap(arena, nr * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		   MAP_ANONYMOUS | MAP_FIXED, -1, 0) == arena, "mmap");
	memset(arena, 1, nr * PAGE);
	for (i = 1; i < nr; i += 2)
		check(!madvise(arena + i * PAGE, PAGE, MADV_DONTDUMP), "madvise");
}

static void unmap_vmas(unsigned int nr)
{
	check(!munmap(arena, nr * PAGE), "munmap");
}

/* The first rounds are not counted: they fill caches of the allocators. */
#define rounds(i, nr)	for (i = -20; i < (nr); i++)

static void row_munmap(bool refused, long unused)
{
	int i;

	rounds(i, 301) {
		if (!refused || i == -20) {
			map_vmas(1);
			if (refused)
				seal(arena, PAGE);
		}
		timed(i >= 0, refused, SYS_munmap, (long)arena, PAGE, 0, 0, 0);
	}
}

static void row_mmap(bool refused, long fixed)
{
	int i;

	if (refused) {
		map_vmas(1);
		seal(arena, PAGE);
	}
	rounds(i, 301) {
		if (fixed && !refused)
			map_vmas(1);
		timed(i >= 0, refused, SYS_mmap, (long)arena, PAGE,
		      PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
		      (fixed ? MAP_FIXED : MAP_FIXED_NOREPLACE), -1);
		if (!refused)
			unmap_vmas(1);
	}
}

static void row_mprotect(bool refused, long nr)
{
	int i;

	map_vmas(nr);
	if (refused)
		seal(arena + (nr - 1) * PAGE, PAGE);
	rounds(i, 301) {
		timed(i >= 0, refused, SYS_mprotect, (long)arena, nr * PAGE,
		      PROT_READ, 0, 0);
		/* Undo it; the cost of that is not counted. */
		if (!refused)
			check(!mprotect(arena, nr * PAGE, PROT_READ | PROT_WRITE),
			      "mprotect");
	}
}

static void row_mprotect_split(bool refused, long unused)
{
	int i;

	check(mmap(arena, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		   MAP_ANONYMOUS | MAP_FIXED, -1, 0) == arena, "mmap");
	memset(arena, 1, 3 * PAGE);
	if (refused)
		seal(arena, 3 * PAGE);
	rounds(i, 301) {
		timed(i >= 0, refused, SYS_mprotect, (long)(arena + PAGE), PAGE,
		      PROT_READ, 0, 0);
		if (!refused)
			check(!mprotect(arena + PAGE, PAGE, PROT_READ | PROT_WRITE),
			      "mprotect");
	}
}

static void row_dontneed(bool refused, long nr)
{
	int i;

	map_vmas(nr);
	if (refused) {
		check(!mprotect(arena + (nr - 1) * PAGE, PAGE, PROT_READ), "mprotect");
		seal(arena + (nr - 1) * PAGE, PAGE);
	}
	rounds(i, 301) {
		if (!refused)
			memset(arena, 1, nr * PAGE);
		timed(i >= 0, refused, SYS_madvise, (long)arena, nr * PAGE,
		      MADV_DONTNEED, 0, 0);
	}
}

static void row_mremap_move(bool refused, long unused)
{
	char *to = arena + 64 * PAGE;
	int i;

	map_vmas(1);
	if (refused)
		seal(arena, PAGE);
	rounds(i, 301) {
		timed(i >= 0, refused, SYS_mremap, (long)arena, PAGE, PAGE,
		      MREMAP_MAYMOVE | MREMAP_FIXED, (long)to);
		if (!refused)
			check(mremap(to, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
				     arena) == arena, "mremap back");
	}
}

static void row_mremap_expand(bool refused, long unused)
{
	int i;

	map_vmas(1);
	if (refused)
		seal(arena, PAGE);
	rounds(i, 301) {
		timed(i >= 0, refused, SYS_mremap, (long)arena, PAGE, 2 * PAGE, 0, 0);
		if (!refused)
			check(mremap(arena, 2 * PAGE, PAGE, 0) == arena, "mremap shrink");
	}
}

/* brk() is never refused with an error, so it has no third process. */
static void row_brk(bool refused, long up)
{
	const long start = syscall(SYS_brk, 0);
	int i;

	rounds(i, 301) {
		timed(i >= 0 && up, false, SYS_brk, start + 16 * PAGE, 0, 0, 0, 0);
		timed(i >= 0 && !up, false, SYS_brk, start, 0, 0, 0, 0);
	}
}

static void row_fault(bool refused, long unused)
{
	uint64_t start, end;
	int i;

	map_vmas(1);
	rounds(i, 301) {
		check(!madvise(arena, PAGE, MADV_DONTNEED), "madvise");
		start = now();
		*(volatile char *)arena = 1;
		end = now();
		if (i >= 0)
			samples[nr_samples++] = end - start;
	}
}

static void row_fork(bool refused, long unused)
{
	uint64_t start, end;
	pid_t pid;
	int i, status;

	rounds(i, 301) {
		start = now();
		pid = syscall(SYS_fork);
		if (!pid)
			_exit(0);
		end = now();
		check(pid > 0, "fork");
		check(waitpid(pid, &status, 0) == pid && !status, "child");
		if (i >= 0)
			samples[nr_samples++] = end - start;
	}
}

/* A child measures itself and writes the ticks to a pipe. */
static void take_sample(pid_t pid, int fd, bool count)
{
	uint64_t ticks;
	int status;

	check(waitpid(pid, &status, 0) == pid && !status, "child");
	check(read(fd, &ticks, sizeof(ticks)) == sizeof(ticks), "read");
	if (count)
		samples[nr_samples++] = ticks;
}

/* From execve() to the first instructions of main() in the new program. */
static void row_exec(bool refused, long unused)
{
	int fds[2], i;
	pid_t pid;

	check(!pipe(fds), "pipe");
	rounds(i, 151) {
		pid = fork();
		check(pid >= 0, "fork");
		if (!pid) {
			char start[32], fd[16];
			char *argv[] = { "bench", "--exec", start, fd, NULL };
			char *envp[] = { NULL };

			snprintf(fd, sizeof(fd), "%d", fds[1]);
			snprintf(start, sizeof(start), "%016llx",
				 (unsigned long long)now());
			execve("/proc/self/exe", argv, envp);
			_exit(1);
		}
		take_sample(pid, fds[0], i >= 0);
	}
	close(fds[0]);
	close(fds[1]);
}

#define LEVEL_FILE	"/proc/sys/kernel/mseal_system_mappings"

static bool have_level(void)
{
	return !access(LEVEL_FILE, W_OK);
}

static void set_level(long level)
{
	const char text[] = { '0' + level, '\n' };
	int fd = open(LEVEL_FILE, O_WRONLY);

	check(fd >= 0 && write(fd, text, sizeof(text)) == sizeof(text), LEVEL_FILE);
	close(fd);
}

/* The same with the system mappings of the new program sealed, or not. */
static void row_exec_level(bool refused, long level)
{
	set_level(level);
	row_exec(refused, 0);
	set_level(0);
}

/* Seals cannot be removed, so each sample takes a child with new mappings. */
static void row_mseal(bool refused, long nr)
{
	uint64_t ticks, start;
	int fds[2], i;
	pid_t pid;

	check(!pipe(fds), "pipe");
	map_vmas(nr);
	rounds(i, 31) {
		pid = fork();
		check(pid >= 0, "fork");
		if (!pid) {
			start = now();
			seal(arena, nr * PAGE);
			ticks = now() - start;
			_exit(write(fds[1], &ticks, sizeof(ticks)) != sizeof(ticks));
		}
		take_sample(pid, fds[0], i >= 0);
	}
	close(fds[0]);
	close(fds[1]);
}

/* Writes that a mapping may not permit, which the LSMs may check */

static void row_proc_mem(bool refused, long prot)
{
	const uint64_t word = 1;
	int i, fd;

	fd = open("/proc/self/mem", O_RDWR);
	check(fd >= 0, "/proc/self/mem");
	map_vmas(1);
	check(!mprotect(arena, PAGE, prot), "mprotect");
	rounds(i, 301)
		timed(i >= 0, refused, SYS_pwrite64, fd, (long)&word, sizeof(word),
		      (long)arena, 0);
}

static void row_process_vm(bool refused, long unused)
{
	uint64_t word = 1;
	struct iovec from = { &word, sizeof(word) }, to = { arena, sizeof(word) };
	int i;

	map_vmas(1);
	rounds(i, 301)
		timed(i >= 0, refused, SYS_process_vm_writev, getpid(), (long)&from, 1,
		      (long)&to, 1);
}

/* Write into a child, which has the mappings of its parent. */
static void row_poke(bool refused, long prot)
{
	int i, status;
	pid_t pid;

	map_vmas(1);
	check(!mprotect(arena, PAGE, prot), "mprotect");
	pid = fork();
	check(pid >= 0, "fork");
	if (!pid) {
		for (;;)
			pause();
	}
	check(!ptrace(PTRACE_SEIZE, pid, 0, 0), "PTRACE_SEIZE");
	check(!ptrace(PTRACE_INTERRUPT, pid, 0, 0), "PTRACE_INTERRUPT");
	check(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status), "waitpid");
	rounds(i, 301)
		timed(i >= 0, refused, SYS_ptrace, PTRACE_POKEDATA, pid, (long)arena, 1, 0);
	kill(pid, SIGKILL);
	check(waitpid(pid, &status, 0) == pid, "waitpid");
}

static void row_uffd_copy(bool refused, long prot)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { (unsigned long)arena, PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_copy copy;
	int i, fd;

	map_vmas(2);
	fd = syscall(SYS_userfaultfd, 0);
	check(fd >= 0, "userfaultfd");
	check(!ioctl(fd, UFFDIO_API, &api), "UFFDIO_API");
	check(!ioctl(fd, UFFDIO_REGISTER, &range), "UFFDIO_REGISTER");
	check(!mprotect(arena, PAGE, prot), "mprotect");
	rounds(i, 301) {
		check(!madvise(arena, PAGE, MADV_DONTNEED), "madvise");
		copy = (struct uffdio_copy){
			.dst = (unsigned long)arena,
			.src = (unsigned long)arena + PAGE,
			.len = PAGE,
		};
		timed(i >= 0, refused, SYS_ioctl, fd, UFFDIO_COPY, (long)&copy, 0, 0);
	}
}

static const struct row {
	const char *name;
	void (*measure)(bool refused, long argument);
	long argument;
	bool can_be_refused;
	bool of_sysctl;		/* only if the sysctl exists, and for one process */
} rows[] = {
	{ "munmap, 1 page", row_munmap, 0, true },
	{ "mmap, 1 page", row_mmap, 0, false },
	{ "mmap MAP_FIXED over 1 page", row_mmap, 1, true },
	{ "mprotect, 1 VMA", row_mprotect, 1, true },
	{ "mprotect, 1 page of a VMA", row_mprotect_split, 0, true },
	{ "mprotect, 2 VMAs", row_mprotect, 2, true },
	{ "mprotect, 8 VMAs", row_mprotect, 8, true },
	{ "mprotect, 32 VMAs", row_mprotect, 32, true },
	{ "MADV_DONTNEED, 1 VMA", row_dontneed, 1, true },
	{ "MADV_DONTNEED, 2 VMAs", row_dontneed, 2, true },
	{ "MADV_DONTNEED, 32 VMAs", row_dontneed, 32, true },
	{ "mremap, move", row_mremap_move, 0, true },
	{ "mremap, expand", row_mremap_expand, 0, true },
	{ "brk, up", row_brk, 1, false },
	{ "brk, down", row_brk, 0, false },
	{ "page fault", row_fault, 0, false },
	{ "fork", row_fork, 0, false },
	{ "execve", row_exec, 0, false },
	{ "execve, level 0", row_exec_level, 0, false, true },
	{ "execve, level 1", row_exec_level, 1, false, true },
	{ "mseal, 1 VMA", row_mseal, 1, false },
	{ "mseal, 32 VMAs", row_mseal, 32, false },
	{ "mseal, 1000 VMAs", row_mseal, MAX_VMAS, false },
	{ "/proc/self/mem, read-only", row_proc_mem, PROT_READ, false },
	{ "/proc/self/mem, writable", row_proc_mem, PROT_READ | PROT_WRITE, false },
	{ "process_vm_writev", row_process_vm, 0, false },
	{ "PTRACE_POKEDATA, read-only", row_poke, PROT_READ, false },
	{ "PTRACE_POKEDATA, writable", row_poke, PROT_READ | PROT_WRITE, false },
	{ "UFFDIO_COPY, writable", row_uffd_copy, PROT_READ | PROT_WRITE, false },
	{ "UFFDIO_COPY, read-only", row_uffd_copy, PROT_READ, false },
};

static void measure(const struct row *row, enum process process)
{
	void *other;

	arena = mmap(NULL, (MAX_VMAS + 100) * PAGE, PROT_NONE, MAP_PRIVATE |
		     MAP_ANONYMOUS, -1, 0);
	check(arena != MAP_FAILED, "mmap");
	check(!munmap(arena, (MAX_VMAS + 100) * PAGE), "munmap");
	/* Away from anything that the next mapping might merge with. */
	arena += 50 * PAGE;
	if (process == UNRELATED) {
		other = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		check(other != MAP_FAILED, "mmap");
		seal(other, PAGE);
	}
	row->measure(process == REFUSED, row->argument);
	print_median(row->name, process);
	fflush(stdout);
}

static void enable_events(void)
{
	int fd;

	/* The guest may have mounted it. */
	mount("nodev", "/sys/kernel/tracing", "tracefs", 0, NULL);
	fd = open("/sys/kernel/tracing/events/mseal/enable", O_WRONLY);
	check(fd >= 0 && write(fd, "1", 1) == 1, "the trace events of mseal");
	close(fd);
}

int main(int argc, char **argv)
{
	const uint64_t end = now();
	unsigned int i, process;
	int status;
	pid_t pid;

	if (argc == 4 && !strcmp(argv[1], "--exec")) {
		const uint64_t ticks = end - strtoull(argv[2], NULL, 16);

		return write(atoi(argv[3]), &ticks, sizeof(ticks)) != sizeof(ticks);
	}

	if (argc == 2 && !strcmp(argv[1], "--events"))
		enable_events();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (process = 0; process < NR_PROCESSES; process++) {
			if (process == REFUSED && !rows[i].can_be_refused)
				continue;
			if (rows[i].of_sysctl && (process != UNSEALED || !have_level()))
				continue;
			fflush(stdout);
			pid = fork();
			check(pid >= 0, "fork");
			if (!pid) {
				measure(&rows[i], process);
				exit(0);
			}
			check(waitpid(pid, &status, 0) == pid, "waitpid");
			if (status) {
				printf("bench: %s, %s: failed\n", rows[i].name,
				       process_names[process]);
				return 1;
			}
		}
	}
	return 0;
}
