// SPDX-License-Identifier: GPL-2.0
/*
 * What the test of forced_write needs in its guest besides forced_write_test: cgroups
 * to run programs in, mseal() under a policy, a victim that is another executable
 * than the writer, and a place to pin to. What is tested is reported as TAP.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __NR_mseal
#define __NR_mseal 462
#endif
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MSEAL_MAP	0x1
#define MSEAL_PROT	0x2
#define MSEAL_DISCARD	0x4

static void show_help(void)
{
	fputs("usage: policy_test mkdir CGROUP             make a cgroup (version 2)\n"
	      "       policy_test in CGROUP PROG [ARG]...  run a program in it\n"
	      "       policy_test mseal allow|EPERM TEXT   seal, with all flags\n"
	      "       policy_test zero TEXT                is page 0 sealed (MMAP_PAGE_ZERO)?\n"
	      "       policy_test write VICTIM allow|EIO TEXT\n"
	      "                                            write into sealed memory of VICTIM,\n"
	      "                                            a copy of this program\n"
	      "       policy_test flip ROUNDS TEXT LOADER [OPTION]...\n"
	      "                                            attach and detach while one writes\n"
	      "       policy_test say TEXT                 a comment\n"
	      "       policy_test bpffs DIR                mount a bpf file system\n"
	      "       policy_test rm FILE\n", stderr);
	exit(2);
}

static void die(const char *what)
{
	fprintf(stderr, "policy_test: error: %s: %s\n", what, strerror(errno));
	exit(1);
}

static const char *error_name(int error)
{
	return error ? strerror(error) : "done";
}

static int number;

static int result(int good, const char *label, const char *what)
{
	printf("%sok %d - %s: %s\n", good ? "" : "not ", ++number, label, what);
	return !good;
}

/* The VmFlags of the mapping at @addr in /proc/self/smaps, or "". */
static void vm_flags(const void *addr, char *flags, size_t size)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long start, end;
	char line[4096];
	int found = 0;

	if (!f)
		die("/proc/self/smaps");
	flags[0] = '\0';
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			found = start <= (unsigned long)addr && (unsigned long)addr < end;
		else if (found && !strncmp(line, "VmFlags:", 8))
			snprintf(flags, size, "%.*s", (int)size - 1, line + 8);
	}
	fclose(f);
}

static int test_mseal(const char *want, const char *label)
{
	static const struct {
		unsigned long flags;
		const char *name, *shown;
	} cases[] = {
		{ 0, "mseal() without flags", " sl" },
		{ MSEAL_MAP, "MSEAL_MAP", " lm" },
		{ MSEAL_PROT, "MSEAL_PROT", " lp" },
		{ MSEAL_DISCARD, "MSEAL_DISCARD", " ld" },
		{ MSEAL_MAP | MSEAL_PROT | MSEAL_DISCARD, "all flags", " sl" },
	};
	static const char * const seals[] = { " sl", " lm", " lp", " ld" };
	size_t len = sysconf(_SC_PAGESIZE), i, j;
	int refused = !strcmp(want, "EPERM"), failed = 0;

	if (!refused && strcmp(want, "allow"))
		show_help();
	printf("TAP version 13\n1..%zu\n", ARRAY_SIZE(cases));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char flags[512];
		int error, good;
		void *page;

		page = mmap(NULL, len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (page == MAP_FAILED)
			die("mmap");
		error = 0;
		if (syscall(__NR_mseal, page, len, cases[i].flags))
			error = errno;
		vm_flags(page, flags, sizeof(flags));
		flags[strcspn(flags, "\n")] = '\0';
		printf("# %s: %s, VmFlags:%s\n", cases[i].name, error_name(error), flags);
		good = flags[0] && error == (refused ? EPERM : 0);
		if (!refused && !strstr(flags, cases[i].shown))
			good = 0;
		for (j = 0; refused && j < ARRAY_SIZE(seals); j++)
			if (strstr(flags, seals[j]))
				good = 0;
		failed += result(good, label, cases[i].name);
	}
	return failed != 0;
}

/*
 * The page at address 0 that exec maps and seals for the personality MMAP_PAGE_ZERO:
 * sealed by the kernel, so whether the program may seal does not matter.
 */
static int start_with_page_zero(const char *label)
{
	if (personality(personality(0xffffffff) | MMAP_PAGE_ZERO) < 0)
		die("personality");
	execl("/proc/self/exe", "policy_test", "look-at-zero", label, NULL);
	die("/proc/self/exe");
	return 1;
}

static int look_at_page_zero(const char *label)
{
	char flags[512];

	vm_flags(NULL, flags, sizeof(flags));
	flags[strcspn(flags, "\n")] = '\0';
	printf("TAP version 13\n1..1\n# page 0, VmFlags:%s\n", flags);
	return result(!!strstr(flags, " sl"), label, "page 0 is sealed");
}

/* The victim: seals a page, says where it is, stays until its input ends. */
static int be_victim(void)
{
	size_t len = sysconf(_SC_PAGESIZE);
	unsigned char *page;
	char c;

	page = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		die("mmap");
	memset(page, 0x11, len);
	if (mprotect(page, len, PROT_READ) || syscall(__NR_mseal, page, len, 0))
		die("victim: mprotect or mseal");
	if (write(1, &page, sizeof(page)) != sizeof(page))
		die("victim: write");
	while (read(0, &c, 1) > 0)
		;
	return 0;
}

static int test_write(const char *program, const char *want, const char *label)
{
	int refused = !strcmp(want, "EIO"), to[2], from[2], mem, error, failed, status;
	unsigned char before, after, wanted = 0x66;
	unsigned char *page;
	char path[64];
	pid_t child;

	if (!refused && strcmp(want, "allow"))
		show_help();
	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		die("pipe2");
	child = fork();
	if (child < 0)
		die("fork");
	if (!child) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		execl(program, program, "victim", NULL);
		die(program);
	}
	close(from[1]);
	if (read(from[0], &page, sizeof(page)) != sizeof(page))
		die("the victim said nothing");
	snprintf(path, sizeof(path), "/proc/%d/mem", child);
	mem = open(path, O_RDWR | O_CLOEXEC);
	if (mem < 0 || pread(mem, &before, 1, (off_t)page) != 1)
		die(path);
	error = pwrite(mem, &wanted, 1, (off_t)page) == 1 ? 0 : errno;
	if (pread(mem, &after, 1, (off_t)page) != 1)
		die(path);
	printf("TAP version 13\n1..1\n# %s: %s, memory: %#x -> %#x\n", path, error_name(error),
	       before, after);
	failed = result(before == 0x11 && error == (refused ? EIO : 0) &&
			after == (refused ? before : wanted), label,
			"write to /proc/PID/mem of another program");
	close(to[1]);
	if (waitpid(child, &status, 0) != child || status)
		die("the victim did not end well");
	return failed;
}

/*
 * Attach and detach under a running writer. The writer's results show when the
 * policy is attached and detached, so no delays are needed.
 */
struct flip {
	atomic_ulong landed, refused, wrong;
	atomic_int stop;
};

static struct flip *map_flip(int fd)
{
	struct flip *flip = mmap(NULL, sizeof(*flip), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (flip == MAP_FAILED)
		die("mmap");
	return flip;
}

/* Wait until the count is two more: the second write began after we looked. */
static void wait_for(struct flip *flip, atomic_ulong *count)
{
	unsigned long start = atomic_load(count);

	while (atomic_load(count) < start + 2 && !atomic_load(&flip->wrong))
		sched_yield();
}

/* A page for /proc/self/mem, and one for process_vm_writev(), which needs PROT_WRITE. */
static void flip_writer(struct flip *flip)
{
	size_t len = sysconf(_SC_PAGESIZE);
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC), turn;
	unsigned char *page[2], value = 0;

	for (turn = 0; turn < 2; turn++) {
		page[turn] = mmap(NULL, len, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (page[turn] == MAP_FAILED)
			die("mmap");
		page[turn][0] = 0;
		if ((!turn && mprotect(page[turn], len, PROT_READ)) ||
		    syscall(__NR_mseal, page[turn], len, 0))
			die("mprotect or mseal");
	}
	for (turn = 0; !atomic_load(&flip->stop); turn ^= 1) {
		unsigned char before = __atomic_load_n(page[turn], __ATOMIC_SEQ_CST), after;
		struct iovec from = { &value, 1 }, to = { page[turn], 1 };
		ssize_t n;

		value = before + 1;
		if (turn)
			n = process_vm_writev(getpid(), &from, 1, &to, 1, 0);
		else
			n = pwrite(mem, &value, 1, (off_t)page[turn]);
		after = __atomic_load_n(page[turn], __ATOMIC_SEQ_CST);
		if (n == 1 && after == value)
			atomic_fetch_add(&flip->landed, 1);
		else if (n < 0 && errno == (turn ? EPERM : EIO) && after == before)
			atomic_fetch_add(&flip->refused, 1);
		else
			atomic_fetch_add(&flip->wrong, 1);
	}
	_exit(0);
}

static int test_flip(unsigned int rounds, const char *label, char **loader, int nr)
{
	int fd = memfd_create("flip", 0), status, good, i;
	char *argv[32], path[32], self[4096] = "";
	unsigned long landed = 0;
	unsigned int round;
	struct flip *flip;
	pid_t writer, child;

	if (fd < 0 || ftruncate(fd, sizeof(*flip)) || nr > 24)
		die("memfd");
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		die("/proc/self/exe");
	flip = map_flip(fd);
	snprintf(path, sizeof(path), "%d", fd);
	for (i = 0; i < nr; i++)
		argv[i] = loader[i];
	argv[i++] = "--";
	argv[i++] = self;
	argv[i++] = "seen";
	argv[i++] = path;
	argv[i] = NULL;

	writer = fork();
	if (writer < 0)
		die("fork");
	if (!writer)
		flip_writer(flip);
	good = 1;
	for (round = 0; round < rounds && good; round++) {
		wait_for(flip, &flip->landed);
		landed = atomic_load(&flip->landed);
		child = fork();
		if (child < 0)
			die("fork");
		if (!child) {
			execv(argv[0], argv);
			die(argv[0]);
		}
		/* It ends when a write was refused. */
		good = waitpid(child, &status, 0) == child && !status;
	}
	if (good)
		wait_for(flip, &flip->landed);
	atomic_store(&flip->stop, 1);
	good = waitpid(writer, &status, 0) == writer && !status && good;
	printf("TAP version 13\n1..1\n");
	printf("# %u rounds: %lu writes landed, %lu were refused, %lu neither\n", round,
	       atomic_load(&flip->landed), atomic_load(&flip->refused),
	       atomic_load(&flip->wrong));
	return result(good && round == rounds && landed && atomic_load(&flip->refused) &&
		      !atomic_load(&flip->wrong), label, "attached and detached under a writer");
}

/* mkdir -p, below a cgroup2 file system that is mounted if it has to be */
static void make_cgroup(char *path)
{
	static const char root[] = "/sys/fs/cgroup";
	char *slash;

	if (strncmp(path, root, strlen(root)) || path[strlen(root)] != '/')
		show_help();
	if (access("/sys/fs/cgroup/cgroup.procs", F_OK) &&
	    mount("cgroup2", root, "cgroup2", 0, NULL))
		die("cannot mount cgroup2");
	for (slash = path + strlen(root); slash;) {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			die(path);
		if (slash)
			*slash = '/';
	}
}

static void enter(const char *cgroup)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		die(path);
	close(fd);
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	/* One line at a time: others write to the same terminal. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(command, "mkdir") && argc == 3) {
		make_cgroup(argv[2]);
	} else if (!strcmp(command, "in") && argc > 3) {
		enter(argv[2]);
		execv(argv[3], argv + 3);
		die(argv[3]);
	} else if (!strcmp(command, "mseal") && argc == 4) {
		return test_mseal(argv[2], argv[3]);
	} else if (!strcmp(command, "zero") && argc == 3) {
		return start_with_page_zero(argv[2]);
	} else if (!strcmp(command, "look-at-zero") && argc == 3) {
		return look_at_page_zero(argv[2]);
	} else if (!strcmp(command, "victim") && argc == 2) {
		return be_victim();
	} else if (!strcmp(command, "write") && argc == 5) {
		return test_write(argv[2], argv[3], argv[4]);
	} else if (!strcmp(command, "flip") && argc > 4) {
		return test_flip(atoi(argv[2]), argv[3], argv + 4, argc - 4);
	} else if (!strcmp(command, "seen") && argc == 3) {
		struct flip *flip = map_flip(atoi(argv[2]));

		wait_for(flip, &flip->refused);
	} else if (!strcmp(command, "say") && argc == 3) {
		printf("# == %s\n", argv[2]);
	} else if (!strcmp(command, "bpffs") && argc == 3) {
		if ((mkdir(argv[2], 0700) && errno != EEXIST) ||
		    mount("bpf", argv[2], "bpf", 0, NULL))
			die(argv[2]);
	} else if (!strcmp(command, "rm") && argc == 3) {
		if (unlink(argv[2]))
			die(argv[2]);
	} else {
		show_help();
	}
	return 0;
}
