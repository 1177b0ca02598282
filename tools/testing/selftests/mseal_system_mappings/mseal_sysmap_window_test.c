// SPDX-License-Identifier: GPL-2.0-only
/*
 * With kernel.mseal_system_mappings = 1 no system mapping is ever there unsealed:
 * the kernel seals it before it drops the mmap lock under which it made it.
 *
 *	probe		the first hit of a uprobe makes [uprobes], on x86_64 that of an
 *			optimised one [uprobes-trampoline]
 *	map_vdso	arch_prctl(ARCH_MAP_VDSO_64) maps the vDSO into a process that has
 *			none: boot with vdso=0
 *	exec		maps the vDSO and its data
 *
 * In the first two the test chooses the moment: a second thread hammers at the
 * place of the mapping with one operation, from before the mapping is made until
 * after that. Each round is a process of its own. An exec is single-threaded: there
 * another process reads smaps all the time, and a tracer reads it at the stop.
 *
 * mprotect() and munmap() wait for the mmap lock as writers. MADV_GUARD_INSTALL
 * takes the VMA's lock, or waits for the mmap lock as a reader, and changes nothing:
 * no system mapping can have guard pages.
 *
 * The same at level 0, in a few rounds (control), shows that the hammer hits the
 * mapping and that the readers can tell.
 *
 * Needs root, and two CPUs to be of much use: with one the hammer gets in only when
 * the other thread is preempted or sleeps.
 */

#include "kselftest_harness.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>

#include <linux/perf_event.h>

#include "../mm/mseal_attr.h"

#define LEVEL_FILE	"/proc/sys/kernel/mseal_system_mappings"

#ifndef ARCH_MAP_VDSO_64
#define ARCH_MAP_VDSO_64	0x2003
#endif

/* How often; scripts and slow machines may want other numbers. */
#ifndef ROUNDS
#define ROUNDS		100
#endif
#define CONTROL_ROUNDS	5
#ifndef EXECS
#define EXECS		100
#endif
#define CONTROL_EXECS	10
#define TRACED_EXECS	20
#define SECONDS		300	/* a bound for each test, should it hang */

/* The sysctl */

static int get_level(void)
{
	return read_number(LEVEL_FILE);
}

static int set_level(int level)
{
	const char text[] = { '0' + level, '\0' };

	return write_proc(LEVEL_FILE, text);
}

/*
 * Programs that are started from here on have the level. The old one is in *old, or
 * -1 if there is nothing to restore. The test is skipped where it cannot be set.
 */
static bool use_level(struct __test_metadata *_metadata, int level, int *old)
{
	const int now = get_level();

	*old = -1;
	if (now < 0)
		SKIP(return false, "this kernel has no " LEVEL_FILE);
	if (geteuid())
		SKIP(return false, "not root");
	if (now == 2 && !level)
		SKIP(return false, "locked at 2 until reboot");
	if (now == 2 || now == level)
		return true;
	ASSERT_EQ(0, set_level(level));
	*old = now;
	return true;
}

/*
 * What races has a CPU of its own, where there are two: the calling thread goes to
 * the first or the second one that this program may use.
 */
enum cpu { FIRST, SECOND };

static cpu_set_t cpus;

static void find_cpus(void)
{
	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		CPU_ZERO(&cpus);
	if (CPU_COUNT(&cpus) < 2)
		printf("# one CPU: races are rare, run this on two\n");
}

static void run_on(enum cpu nth)
{
	cpu_set_t one;
	int found = 0;

	if (CPU_COUNT(&cpus) < 2)
		return;
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &cpus) || found++ != nth)
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		if (sched_setaffinity(0, sizeof(one), &one))
			printf("# CPU %d cannot be used: %s\n", i, errno_name(errno));
		return;
	}
}

/* System mappings, as smaps shows them */

#define MAX_MAPS	16

struct sysmap {
	char name[32];
	unsigned long start, end;
	bool sealed;
};

static bool is_system_mapping(const char *name)
{
	static const char *const names[] = {
		"[vdso]", "[vvar]", "[vvar_vclock]", "[uprobes]", "[uprobes-trampoline]",
		"[sigpage]", "[vectors]",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* The seals of mseal() without flags: they come together. */
static bool has_seals(const char *flags)
{
	return strstr(flags, " lm") && strstr(flags, " lp") && strstr(flags, " sl");
}

/*
 * The system mappings of a process; *nr_all is the number of all its mappings. What
 * the process loses by an exec or its end in the meantime is missing.
 */
static int read_sysmaps(const char *path, struct sysmap *maps, int *nr_all)
{
	static char buf[1 << 17];
	struct sysmap map = {};
	char *line, *next;
	size_t len = 0;
	int fd, nr = 0;
	ssize_t n;

	*nr_all = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	while ((n = read(fd, buf + len, sizeof(buf) - 1 - len)) > 0)
		len += n;
	close(fd);
	buf[len] = '\0';

	for (line = buf; *line; line = next) {
		next = strchrnul(line, '\n');
		if (*next)
			*next++ = '\0';
		if (line[0] < 'A' || line[0] > 'Z') {
			map.name[0] = '\0';
			if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %31s", &map.start,
				   &map.end, map.name) >= 2)
				++*nr_all;
		} else if (!strncmp(line, "VmFlags:", 8) && is_system_mapping(map.name) &&
			   nr < MAX_MAPS) {
			map.sealed = has_seals(line + 8);
			maps[nr++] = map;
		}
	}
	return nr;
}

static const struct sysmap *find_sysmap(const struct sysmap *maps, int nr, const char *name)
{
	for (int i = 0; i < nr; i++)
		if (!strcmp(maps[i].name, name))
			return &maps[i];
	return NULL;
}

/* Rounds of a thread that makes a mapping and another one that hammers at it */

enum target { XOL, TRAMPOLINE, VDSO };

static const char *const target_names[] = {
	[XOL]		= "[uprobes]",
	[TRAMPOLINE]	= "[uprobes-trampoline]",
	[VDSO]		= "[vdso]",
};

enum op { MPROTECT, GUARD, MUNMAP };

static const char *const op_names[] = {
	[MPROTECT]	= "mprotect",
	[GUARD]		= "guard",
	[MUNMAP]	= "munmap",
};

/* Shared by the test, the program that it starts for the rounds, and each round. */
struct rounds {
	/* what is wanted */
	enum target target;
	enum op op;
	int wanted;

	/* what came of it */
	char skip[128], error[128];
	unsigned long start, end;	/* of the mapping */
	int done;
	int caught;			/* rounds in which the mapping was unsealed */
	int first_caught;
	int elsewhere;			/* rounds in which it was not where expected */
	unsigned long absent, refused;	/* answers to the hammer */
	unsigned long other;
	int answer;			/* one of the others: an error, or 0 */

	/* the round that runs */
	atomic_bool finished, moved;
	atomic_ulong round_absent, round_refused, round_other;
	atomic_int round_answer;
};

static struct rounds *rounds;

#define STACK_SIZE	65536

/* Of the process of a round. */
static atomic_bool hammering, made;
static char *stack;		/* of the hammer; a new one might take the place */
static unsigned long hole;	/* room for a vDSO */

/* As in mseal_sysmap_probe.c: the first needs [uprobes], the second the trampoline. */
#if defined(__x86_64__)
#define HIT		"mov $1, %eax\n"
#define HIT_NOP		".byte 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0\n"
#define GET_ADDRESS(of)	"lea " of "(%%rip), %0"
#elif defined(__aarch64__)
#define HIT		"mov w0, #1\n"
#define HIT_NOP		"nop\n"
#define GET_ADDRESS(of)	"adrp %0, " of "\n add %0, %0, :lo12:" of
#else
#error "which instruction is never emulated by uprobes?"
#endif
asm(".pushsection .text\n"
	".balign 16\n"
	"hit:		" HIT "		ret\n"
	".balign 16\n"
	"hit_nop:	" HIT_NOP "	ret\n"
	".popsection\n");

/* The function whose uprobe makes the mapping. */
static unsigned long probed(enum target target)
{
	unsigned long address;

	if (target == XOL)
		asm(GET_ADDRESS("hit") : "=r" (address));
	else
		asm(GET_ADDRESS("hit_nop") : "=r" (address));
	return address;
}

/* The system call that maps a vDSO, at the address if that is free. */
static int map_vdso(unsigned long at)
{
#ifdef __x86_64__
	return syscall(SYS_arch_prctl, ARCH_MAP_VDSO_64, at) < 0 ? -errno : 0;
#else
	return -EINVAL;
#endif
}

/* Returns 0 or minus the error. */
static int make_mapping(enum target target)
{
	if (target == VDSO)
		return map_vdso(hole);
	((void (*)(void))probed(target))();
	return 0;
}

static int operate(enum op op, void *at, size_t len)
{
	switch (op) {
	case MPROTECT:
		return mprotect(at, len, PROT_NONE) ? errno : 0;
	case GUARD:
		return madvise(at, len, MADV_GUARD_INSTALL) ? errno : 0;
	default:
		return munmap(at, len) ? errno : 0;
	}
}

static void *hammer(void *unused)
{
	const enum op op = rounds->op;
	void *const at = (void *)rounds->start;
	const size_t len = rounds->end - rounds->start;
	bool last;
	int err;

	prctl(PR_SET_NAME, "hammer");
	run_on(SECOND);
	do {
		/* The last one begins when the mapping is there. */
		last = made;
		err = operate(op, at, len);
		/* munmap() of nothing succeeds: what it did is seen at the end. */
		if (err == (op == MUNMAP ? 0 : ENOMEM)) {
			rounds->round_absent++;
		} else if (err == EPERM) {
			rounds->round_refused++;
		} else {
			rounds->round_answer = err;
			rounds->round_other++;
		}
		hammering = true;
	} while (!last);
	return NULL;
}

/* Is everything that came with the mapping there and sealed? */
static bool all_sealed(bool *moved)
{
	const char *name = target_names[rounds->target];
	struct sysmap maps[MAX_MAPS];
	const struct sysmap *map;
	int nr, all;

	nr = read_sysmaps("/proc/self/smaps", maps, &all);
	map = find_sysmap(maps, nr, name);
	*moved = map && map->start != rounds->start;
	for (int i = 0; i < nr; i++)
		if (!maps[i].sealed)
			return false;
	if (rounds->target == VDSO &&
	    (!find_sysmap(maps, nr, "[vvar]") || !find_sysmap(maps, nr, "[vvar_vclock]")))
		return false;
	return map;
}

/* In a process of its own: 0, or minus the error if the mapping could not be made. */
static int run_round(void)
{
	const size_t len = rounds->end - rounds->start;
	pthread_attr_t attr;
	pthread_t thread;
	bool moved, good;
	int err;

	run_on(FIRST);
	pthread_attr_init(&attr);
	if (pthread_attr_setstack(&attr, stack, STACK_SIZE) ||
	    pthread_create(&thread, &attr, hammer, NULL))
		return -EAGAIN;
	while (!hammering)
		sched_yield();
	err = make_mapping(rounds->target);
	made = true;
	pthread_join(thread, NULL);
	if (err)
		return err;

	good = all_sealed(&moved);
	rounds->moved = moved;
	for (enum op op = MPROTECT; op <= MUNMAP; op++)
		good = good && operate(op, (void *)rounds->start, len) == EPERM;
	rounds->finished = good || moved;
	return 0;
}

/* The mapping as it is without a hammer: 0 or minus the error. */
static int find_place(void)
{
	struct sysmap maps[MAX_MAPS];
	const struct sysmap *map;
	int err, nr, all;

	err = make_mapping(rounds->target);
	if (err)
		return err;
	nr = read_sysmaps("/proc/self/smaps", maps, &all);
	map = find_sysmap(maps, nr, target_names[rounds->target]);
	if (!map)
		return -ENOENT;
	rounds->start = map->start;
	rounds->end = map->end;
	return 0;
}

/* In a child: what run() returns, which is 0 or minus an error; 1 for a signal. */
static int in_child(int (*run)(void))
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(-run());
	}
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : 1;
}

/* Where in the file an address of this program is: false if nowhere. */
static bool file_offset(unsigned long address, unsigned long *offset)
{
	unsigned long start, end, at;
	char *line;

	for (line = read_proc("/proc/self/maps"); line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &at) == 3 &&
		    address >= start && address < end) {
			*offset = address - start + at;
			return true;
		}
	}
	return false;
}

/*
 * A breakpoint in all processes that run this program; it is there as long as the
 * event is, whose file descriptor this is. Or minus the error.
 */
static int set_uprobe(enum target target)
{
	struct perf_event_attr attr = {
		.type = uprobe_type(),
		.size = sizeof(attr),
		.sample_period = 1,
		.wakeup_events = 1,
		.config1 = (unsigned long)"/proc/self/exe",
	};
	unsigned long offset;
	int fd;

	if (!file_offset(probed(target), &offset))
		return -ENOENT;
	attr.config2 = offset;
	fd = syscall(__NR_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

#define say(to, ...)	snprintf(to, sizeof(to), __VA_ARGS__)

static bool prepare_uprobe(void)
{
	int fd;

	if (uprobe_type() < 0) {
		say(rounds->skip, "this kernel has no uprobes for perf_event_open()");
		return false;
	}
	fd = set_uprobe(rounds->target);
	if (fd < 0)
		say(rounds->error, "a uprobe: error %d", -fd);
	return fd >= 0;
}

static bool prepare_vdso(void)
{
	const size_t room = 1 << 20;
	void *at;

	at = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED || munmap(at, room)) {
		say(rounds->error, "no room for a vDSO: %s", errno_name(errno));
		return false;
	}
	hole = (unsigned long)at;
	return true;
}

/* Find out where the mapping will be; say why if there will be none. */
static bool prepare(void)
{
	const char *name = target_names[rounds->target];
	int err;

	if (!(rounds->target == VDSO ? prepare_vdso() : prepare_uprobe()))
		return false;

	err = in_child(find_place);
	if (!err)
		return true;
	if (rounds->target == VDSO && err == -EEXIST)
		say(rounds->skip, "processes have a vDSO: boot with vdso=0");
	else if (rounds->target == VDSO && err == -EINVAL)
		say(rounds->skip, "no ARCH_MAP_VDSO_64, or no CHECKPOINT_RESTORE");
	else if (err < 0)
		say(rounds->error, "%s was not made: %s", name, errno_name(-err));
	else
		say(rounds->error, "%s was not made: a signal", name);
	return false;
}

/* The program that has the level, and whose children are the rounds. */
static int rounds_main(int fd)
{
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	rounds = mmap(NULL, sizeof(*rounds), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (rounds == MAP_FAILED)
		return 1;
	stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	if (stack == MAP_FAILED)
		return 1;
	/* All rounds have the same layout: the heap does not grow in them. */
	free(malloc(1 << 16));
	find_cpus();
	if (!prepare())
		return 0;

	for (int i = 1; i <= rounds->wanted; i++) {
		rounds->finished = false;
		rounds->moved = false;
		rounds->round_absent = 0;
		rounds->round_refused = 0;
		rounds->round_other = 0;

		err = in_child(run_round);
		if (err < 0) {
			say(rounds->error, "round %d: %s", i, errno_name(-err));
			return 0;
		}
		rounds->done++;
		rounds->elsewhere += rounds->moved;
		if (!rounds->other)
			rounds->answer = rounds->round_answer;
		rounds->absent += rounds->round_absent;
		rounds->refused += rounds->round_refused;
		rounds->other += rounds->round_other;
		/* A round that a signal ended has lost the mapping that it was in. */
		if (rounds->round_other || !rounds->finished) {
			if (!rounds->caught++)
				rounds->first_caught = i;
		}
	}
	return 0;
}

/* Start this program again, as something else than a test. */
static void start_self(const char *what, int number)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", number);
	execl("/proc/self/exe", "window", what, text, NULL);
	_exit(127);
}

static void hammer_at(struct __test_metadata *_metadata, enum target target, enum op op,
		      bool sealed)
{
	int fd, status = -1;
	pid_t pid;

	fd = memfd_create("rounds", 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, sizeof(*rounds)));
	rounds = mmap(NULL, sizeof(*rounds), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, rounds);
	rounds->target = target;
	rounds->op = op;
	rounds->wanted = sealed ? ROUNDS : CONTROL_ROUNDS;

	fflush(stdout);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		start_self("@rounds", fd);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	close(fd);
	ASSERT_EQ(0, status);
	if (rounds->skip[0])
		SKIP(return, "%s", rounds->skip);

	printf("# %s at %lx-%lx, %s, level %d: %d rounds\n", target_names[target],
	       rounds->start, rounds->end, op_names[op], get_level(), rounds->done);
	printf("# answers: %lu nothing there, %lu EPERM, %lu others", rounds->absent,
	       rounds->refused, rounds->other);
	printf(rounds->other ? " such as %s\n" : "\n", errno_name(rounds->answer));
	if (rounds->caught)
		printf("# unsealed in %d rounds, first in round %d\n", rounds->caught,
		       rounds->first_caught);
	fflush(stdout);

	EXPECT_STREQ("", rounds->error);
	EXPECT_EQ(rounds->wanted, rounds->done);
	EXPECT_EQ(0, rounds->elsewhere) {
		TH_LOG("the hammer missed: the mapping was at another place");
	}
	/* At least one call came before the mapping, and one after it, in each round. */
	EXPECT_LE((unsigned long)rounds->wanted, rounds->absent);
	if (sealed) {
		EXPECT_EQ(0, rounds->caught) {
			TH_LOG("%s was there unsealed", target_names[target]);
		}
		EXPECT_LE((unsigned long)rounds->wanted, rounds->refused);
	} else {
		EXPECT_EQ(rounds->wanted, rounds->caught) {
			TH_LOG("the hammer would not notice");
		}
		EXPECT_EQ(0, rounds->refused);
	}
}

/* The first hit of a uprobe */

FIXTURE(probe)
{
	int old;
};

FIXTURE_VARIANT(probe)
{
	enum target target;
	enum op op;
};

#define PROBE_VARIANT(name, target_, op_)				\
	FIXTURE_VARIANT_ADD(probe, name) { .target = target_, .op = op_ }

PROBE_VARIANT(xol_mprotect, XOL, MPROTECT);
PROBE_VARIANT(xol_guard, XOL, GUARD);
PROBE_VARIANT(xol_munmap, XOL, MUNMAP);
#ifndef __aarch64__
PROBE_VARIANT(trampoline_mprotect, TRAMPOLINE, MPROTECT);
PROBE_VARIANT(trampoline_guard, TRAMPOLINE, GUARD);
PROBE_VARIANT(trampoline_munmap, TRAMPOLINE, MUNMAP);
#endif

FIXTURE_SETUP(probe)
{
	self->old = -1;
}

FIXTURE_TEARDOWN(probe)
{
	if (self->old >= 0)
		EXPECT_EQ(0, set_level(self->old));
}

TEST_F_TIMEOUT(probe, sealed, SECONDS)
{
	if (use_level(_metadata, 1, &self->old))
		hammer_at(_metadata, variant->target, variant->op, true);
}

TEST_F_TIMEOUT(probe, control, SECONDS)
{
	if (use_level(_metadata, 0, &self->old))
		hammer_at(_metadata, variant->target, variant->op, false);
}

/* ARCH_MAP_VDSO_64 */

FIXTURE(map_vdso)
{
	int old;
};

FIXTURE_VARIANT(map_vdso)
{
	enum op op;
};

FIXTURE_VARIANT_ADD(map_vdso, mprotect) { .op = MPROTECT };
FIXTURE_VARIANT_ADD(map_vdso, guard) { .op = GUARD };
FIXTURE_VARIANT_ADD(map_vdso, munmap) { .op = MUNMAP };

FIXTURE_SETUP(map_vdso)
{
	self->old = -1;
}

FIXTURE_TEARDOWN(map_vdso)
{
	if (self->old >= 0)
		EXPECT_EQ(0, set_level(self->old));
}

TEST_F_TIMEOUT(map_vdso, sealed, SECONDS)
{
	if (use_level(_metadata, 1, &self->old))
		hammer_at(_metadata, VDSO, variant->op, true);
}

TEST_F_TIMEOUT(map_vdso, control, SECONDS)
{
	if (use_level(_metadata, 0, &self->old))
		hammer_at(_metadata, VDSO, variant->op, false);
}

/* exec */

/* What the looks at a process have seen. */
struct looks {
	pid_t pid;
	char smaps[32];
	int nr;			/* looks */
	int without;		/* of them, that found no [vdso] */
	int seen;		/* system mappings */
	int sealed;		/* of them */
};

FIXTURE(exec)
{
	int old;
	struct looks looks;
};

FIXTURE_VARIANT(exec)
{
	bool sealed;
	int execs;
};

FIXTURE_VARIANT_ADD(exec, sealed) { .sealed = true, .execs = EXECS };
FIXTURE_VARIANT_ADD(exec, control) { .sealed = false, .execs = CONTROL_EXECS };

FIXTURE_SETUP(exec)
{
	struct sysmap maps[MAX_MAPS];
	int nr, all;

	self->old = -1;
	nr = read_sysmaps("/proc/self/smaps", maps, &all);
	if (!find_sysmap(maps, nr, "[vdso]"))
		SKIP(return, "exec maps no vDSO here");
	use_level(_metadata, variant->sealed, &self->old);
}

FIXTURE_TEARDOWN(exec)
{
	if (self->old >= 0)
		EXPECT_EQ(0, set_level(self->old));
}

/* A program that execs itself so many times more. */
static void start_execs(struct __test_metadata *_metadata, struct looks *looks,
			int execs, bool traced)
{
	fflush(stdout);
	looks->pid = fork();
	ASSERT_LE(0, looks->pid);
	if (!looks->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run_on(FIRST);
		if (traced && (ptrace(PTRACE_TRACEME, 0, NULL, NULL) || raise(SIGSTOP)))
			_exit(126);
		start_self("@exec", execs);
	}
	snprintf(looks->smaps, sizeof(looks->smaps), "/proc/%d/smaps", looks->pid);
}

static void look(struct looks *looks)
{
	struct sysmap maps[MAX_MAPS];
	int nr, all;

	nr = read_sysmaps(looks->smaps, maps, &all);
	looks->nr += all > 0;
	/* The exec had not come so far, or the next one was faster than the look. */
	looks->without += all > 0 && !find_sysmap(maps, nr, "[vdso]");
	looks->seen += nr;
	for (int i = 0; i < nr; i++)
		looks->sealed += maps[i].sealed;
}

static void expect_seen(struct __test_metadata *_metadata, struct looks *looks, bool sealed)
{
	printf("# level %d: %d looks, %d found no [vdso]\n", get_level(), looks->nr,
	       looks->without);
	printf("# %d system mappings seen, %d of them sealed\n", looks->seen, looks->sealed);
	fflush(stdout);
	EXPECT_LT(0, looks->seen);
	EXPECT_EQ(sealed ? looks->seen : 0, looks->sealed);
}

/* The ends of two pipes that a program has which is to wait for its reader. */
#define TO_READER	100
#define FROM_READER	101

/* Another process, at any time once the first program with the level runs. */
TEST_F_TIMEOUT(exec, reader, SECONDS)
{
	struct looks *looks = &self->looks;
	int ready[2], go[2], status = -1;
	pid_t done;
	char c;

	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	ASSERT_LE(0, dup2(ready[1], TO_READER));
	ASSERT_LE(0, dup2(go[0], FROM_READER));
	find_cpus();
	start_execs(_metadata, looks, variant->execs, false);
	ASSERT_EQ(1, read(ready[0], &c, 1));
	run_on(SECOND);
	look(looks);
	ASSERT_EQ(1, write(go[1], "", 1));
	while (!(done = waitpid(looks->pid, &status, WNOHANG)))
		look(looks);
	EXPECT_EQ(looks->pid, done);
	EXPECT_EQ(0, status);
	expect_seen(_metadata, looks, variant->sealed);
}

/* A tracer, at the stop after each exec, before the program runs. */
TEST_F_TIMEOUT(exec, tracer, SECONDS)
{
	struct looks *looks = &self->looks;
	int status, stops = 0, signal;

	start_execs(_metadata, looks, TRACED_EXECS - 1, true);
	ASSERT_EQ(looks->pid, waitpid(looks->pid, &status, 0));
	ASSERT_TRUE(WIFSTOPPED(status));
	ASSERT_EQ(0, ptrace(PTRACE_SETOPTIONS, looks->pid, NULL,
			    PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL));
	for (signal = 0;;) {
		ASSERT_EQ(0, ptrace(PTRACE_CONT, looks->pid, NULL, signal));
		ASSERT_EQ(looks->pid, waitpid(looks->pid, &status, 0));
		if (!WIFSTOPPED(status))
			break;
		signal = WSTOPSIG(status);
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8)) {
			signal = 0;
			stops++;
			look(looks);
		}
	}
	EXPECT_EQ(0, status);
	EXPECT_EQ(TRACED_EXECS, stops);
	EXPECT_EQ(stops, looks->nr);
	EXPECT_EQ(0, looks->without) {
		TH_LOG("there was no [vdso] at a stop");
	}
	expect_seen(_metadata, looks, variant->sealed);
}

/* A program that does nothing but to exec itself, so many times. */
static int exec_main(int left)
{
	char c;

	/* The first one waits until the reader looks; a traced one has no pipes. */
	if (write(TO_READER, "", 1) == 1) {
		if (read(FROM_READER, &c, 1) != 1)
			return 1;
		close(TO_READER);
		close(FROM_READER);
	}
	if (left > 0)
		start_self("@exec", left - 1);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "@rounds"))
		return rounds_main(atoi(argv[2]));
	if (argc == 3 && !strcmp(argv[1], "@exec"))
		return exec_main(atoi(argv[2]));
	return test_harness_run(argc, argv);
}
