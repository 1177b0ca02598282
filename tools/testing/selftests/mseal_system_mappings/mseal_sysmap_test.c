// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernel.mseal_system_mappings: what is sealed in which process, which processes
 * may change the sysctl, and which operations a seal refuses.
 *
 * The programs under test are mseal_sysmap_probe in three forms, which must be
 * in the directory of this program: static, with an interpreter, and 32-bit. Each
 * lists its own system mappings and tries to change them; its source has the
 * steps.
 *
 * Needs root. The tests of value 2, which cannot be undone until reboot, come
 * last. Leave them out with: mseal_sysmap_test -F locked
 */

#include "kselftest_harness.h"

#include <elf.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../mm/mseal_attr.h"

#define LEVEL_FILE	"/proc/sys/kernel/mseal_system_mappings"
#define CMDLINE_NAME	"sysctl.kernel.mseal_system_mappings="
#define AGAIN		"start:/proc/self/exe"
#define SEALS		"lm lp sl"	/* those of mseal() without flags */
#define NOBODY		65534

#ifndef PF_SYSMAP_NOSEAL
#define PF_SYSMAP_NOSEAL	0x00800000
#endif
#define ADDR_SYSMAP_NOSEAL_BIT	0x10000000

/* The sysctl */

static int get_level(void)
{
	return read_number(LEVEL_FILE);
}

static int write_text(int fd, const char *text)
{
	const ssize_t len = strlen(text);

	/* A sysctl ignores what is written at another offset. */
	lseek(fd, 0, SEEK_SET);
	return write(fd, text, len) == len ? 0 : errno;
}

static int set_text(const char *text)
{
	return write_proc(LEVEL_FILE, text);
}

static int set_level(int level)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", level);
	return set_text(text);
}

/* Probes */

enum kind { STATIC, DYNAMIC, COMPAT };

static const char *const files[] = {
	[STATIC]	= "mseal_sysmap_probe",
	[DYNAMIC]	= "mseal_sysmap_probe_dyn",
	[COMPAT]	= "mseal_sysmap_probe32",
};

static const char interpreter[] = "mseal_sysmap_interp";

#define MAX_MAPS	16

struct map {
	char name[32];
	unsigned long start, end;
	char seals[16];
	char perms[16];		/* of rd wr ex */
};

/* What a probe reports about one step */
struct report {
	int err;
	int nr;
	struct map maps[MAX_MAPS];
	unsigned long target, target_nop;
};

/* How to start a probe */
struct start {
	const char *dir;		/* where the file is; NULL: beside this test */
	const char *file;
	unsigned long persona;
	uid_t uid;
};

struct probe {
	pid_t pid;
	FILE *says;
	int hears;
};

/* The directory of this program. The dynamic probe's interpreter is there. */
static const char *here(void)
{
	static char path[PATH_MAX];
	ssize_t len;

	len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (len < 0)
		return ".";
	path[len] = '\0';
	return dirname(path);
}

static void become(uid_t uid)
{
	if (uid && (setgroups(0, NULL) || setresgid(uid, uid, uid) ||
		    setresuid(uid, uid, uid)))
		_exit(126);
}

static bool start_probe(struct probe *p, const struct start *how, const char *steps)
{
	char *argv[64] = { "probe" };
	char *words = strdup(steps);
	int in[2], out[2], argc = 1;
	char *word, *rest = words;

	while ((word = strsep(&rest, " ")) && argc < 63)
		argv[argc++] = word;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		return false;
	fflush(stdout);
	p->pid = fork();
	if (p->pid < 0)
		return false;
	if (!p->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(in[0], 0);
		dup2(out[1], 1);
		if (chdir(how->dir ? how->dir : here()))
			_exit(126);
		become(how->uid);
		if (how->persona)
			personality(how->persona);
		execv(how->file, argv);
		dprintf(1, "done exec %d\n", errno);
		_exit(127);
	}
	free(words);
	close(in[0]);
	close(out[1]);
	p->hears = in[1];
	p->says = fdopen(out[0], "r");
	return p->says;
}

static void take_codes(char *to, const char *flags, const char *codes)
{
	char code[4];

	for (; *codes; codes += 2) {
		snprintf(code, sizeof(code), " %.2s", codes);
		if (strstr(flags, code))
			strcat(to, to[0] ? code : code + 1);
	}
}

static void take_flags(struct map *map, const char *flags)
{
	take_codes(map->seals, flags, "lmlpldsl");
	take_codes(map->perms, flags, "rdwrex");
}

/* Read up to the end of the next step, which must be this one. */
static bool read_step(struct probe *p, const char *step, struct report *r)
{
	char line[256], name[128];
	struct map map;
	int at;

	memset(r, 0, sizeof(*r));
	while (fgets(line, sizeof(line), p->says)) {
		memset(&map, 0, sizeof(map));
		if (sscanf(line, "map %31s %lx %lx%n", map.name, &map.start,
			   &map.end, &at) == 3) {
			take_flags(&map, line + at);
			if (r->nr < MAX_MAPS)
				r->maps[r->nr++] = map;
		} else if (sscanf(line, "where %lx %lx", &r->target,
				  &r->target_nop) == 2) {
			continue;
		} else if (sscanf(line, "done %127s %d", name, &r->err) == 2) {
			if (!strcmp(name, step))
				return true;
			printf("# step %s: %s ended instead, with %s\n", step,
			       name, errno_name(r->err));
			return false;
		}
	}
	printf("# step %s: the probe is gone\n", step);
	return false;
}

static bool let_go(struct probe *p)
{
	return write(p->hears, "", 1) == 1;
}

static int end_probe(struct probe *p)
{
	int status = -1;

	fclose(p->says);
	close(p->hears);
	if (waitpid(p->pid, &status, 0) != p->pid)
		return -1;
	return status;
}

/* Run all steps of a program that never waits; a report for each. */
static bool run_probe(const struct start *how, const char *steps, struct report *r)
{
	char *words = strdup(steps), *rest = words, *word;
	struct probe p;
	bool good;

	if (!start_probe(&p, how, steps))
		return false;
	for (good = true; good && (word = strsep(&rest, " ")); r++)
		good = read_step(&p, word, r);
	free(words);
	if (end_probe(&p)) {
		printf("# a probe that was to do %s did not end well\n", steps);
		return false;
	}
	return good;
}

/*
 * The same for steps of which the last starts another program, whose report
 * follows those of the steps before.
 */
static bool run_starter(const struct start *how, const char *steps, struct report *r)
{
	const char *last = strrchr(steps, ' ') + 1;
	char *words = strndup(steps, last - 1 - steps), *rest = words, *word;
	struct report end;
	struct probe p;
	bool good;

	if (!start_probe(&p, how, steps))
		return false;
	for (good = true; good && (word = strsep(&rest, " ")); r++)
		good = read_step(&p, word, r);
	free(words);
	good = good && read_step(&p, "show", r) && read_step(&p, last, &end) && !end.err;
	return !end_probe(&p) && good;
}

/* Skip the test if the level cannot be changed. */
static bool can_change(struct __test_metadata *_metadata, int level)
{
	if (level < 0)
		SKIP(return false, "this kernel has no " LEVEL_FILE);
	if (level == 2)
		SKIP(return false, "locked at 2 until reboot");
	if (geteuid())
		SKIP(return false, "not root");
	return true;
}

/* Skip the test if this kind of program cannot run here. */
static bool can_start(struct __test_metadata *_metadata, enum kind kind,
		      struct start *start)
{
	struct report r;
	struct probe p;
	bool good;

	start->file = files[kind];
	if (faccessat(open(here(), O_PATH | O_CLOEXEC), start->file, X_OK, 0))
		SKIP(return false, "%s: its probe was not built", start->file);
	if (!start_probe(&p, start, "show"))
		SKIP(return false, "%s: no probe could be started", start->file);
	memset(&r, 0, sizeof(r));
	good = read_step(&p, "show", &r);
	end_probe(&p);
	if (!good)
		SKIP(return false, "%s: its probe does not start: %s", start->file,
		     errno_name(r.err));
	return true;
}

static const struct map *find_map(const struct report *r, const char *name)
{
	for (int i = 0; i < r->nr; i++)
		if (!strcmp(r->maps[i].name, name))
			return &r->maps[i];
	return NULL;
}

static bool same_place(const struct map *a, const struct map *b)
{
	return a->start == b->start && a->end == b->end;
}

static bool same_maps(const struct report *a, const struct report *b)
{
	return a->nr == b->nr && !memcmp(a->maps, b->maps, sizeof(a->maps));
}

/* Are all system mappings sealed, or none? Prints the others. */
static bool all_sealed(const struct report *r, bool sealed)
{
	bool good = true;

	for (int i = 0; i < r->nr; i++) {
		if (!strcmp(r->maps[i].seals, sealed ? SEALS : ""))
			continue;
		printf("# %s has the seals \"%s\", expected \"%s\"\n", r->maps[i].name,
		       r->maps[i].seals, sealed ? SEALS : "");
		good = false;
	}
	if (!find_map(r, "[vdso]")) {
		printf("# there is no [vdso]\n");
		good = false;
	}
	return good;
}

/* Marks in copies of a probe */

enum mark {
	UNMARKED,
	MARKED,			/* PF_SYSMAP_NOSEAL in PT_GNU_STACK */
	MARKED_ELSEWHERE,	/* in all other headers */
	OTHER_BITS,		/* all bits of PF_MASKOS but this */
	ALL_BITS,		/* all of PF_MASKOS */
	NO_STACK,		/* marked, but the header has another type */
	FIRST_OF_TWO,		/* the first PT_GNU_STACK, the second is not */
	LAST_OF_TWO,
	ODD_STACK,		/* marked, and nonsense for a place and a size */
	NR_MARKS
};

static const struct {
	const char *name;
	bool noseal;
} marks[NR_MARKS] = {
	[UNMARKED]		= { "no mark", false },
	[MARKED]		= { "a mark", true },
	[MARKED_ELSEWHERE]	= { "a mark in all other headers", false },
	[OTHER_BITS]		= { "all other OS-specific bits", false },
	[ALL_BITS]		= { "all OS-specific bits", true },
	[NO_STACK]		= { "a mark, but no PT_GNU_STACK", false },
	[FIRST_OF_TWO]		= { "a mark in the first PT_GNU_STACK of two", false },
	[LAST_OF_TWO]		= { "a mark in the last PT_GNU_STACK of two", true },
	[ODD_STACK]		= { "a mark in a PT_GNU_STACK of nonsense", true },
};

static bool set_mark(unsigned char *elf, size_t size, enum mark mark)
{
	const bool is64 = elf[EI_CLASS] == ELFCLASS64;
	Elf64_Ehdr *e64 = (void *)elf;
	Elf32_Ehdr *e32 = (void *)elf;
	const size_t off = is64 ? e64->e_phoff : e32->e_phoff;
	const size_t each = is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	const int nr = is64 ? e64->e_phnum : e32->e_phnum;
	int stacks = 0, others = 0;

	if (off + nr * each > size)
		return false;
	for (int i = 0; i < nr; i++) {
		Elf64_Phdr *p64 = (void *)(elf + off + i * each);
		Elf32_Phdr *p32 = (void *)(elf + off + i * each);
		Elf64_Word *flags = is64 ? &p64->p_flags : &p32->p_flags;
		Elf64_Word *type = &p64->p_type;

		if (*type == PT_NOTE && !stacks &&
		    (mark == FIRST_OF_TWO || mark == LAST_OF_TWO)) {
			/* The kernel does not need the notes. */
			*type = PT_GNU_STACK;
			*flags = PF_R | PF_W;
			if (mark == FIRST_OF_TWO)
				*flags |= PF_SYSMAP_NOSEAL;
			stacks++;
			continue;
		}
		if (*type != PT_GNU_STACK) {
			if (mark == MARKED_ELSEWHERE)
				*flags |= PF_SYSMAP_NOSEAL;
			others++;
			continue;
		}
		stacks++;
		switch (mark) {
		case ODD_STACK:
			if (is64) {
				p64->p_offset = ~0UL;
				p64->p_filesz = 3;
			} else {
				p32->p_offset = ~0U;
				p32->p_filesz = 3;
			}
			*flags |= PF_SYSMAP_NOSEAL;
			break;
		case MARKED:
		case LAST_OF_TWO:
			*flags |= PF_SYSMAP_NOSEAL;
			break;
		case OTHER_BITS:
			*flags |= PF_MASKOS & ~PF_SYSMAP_NOSEAL;
			break;
		case ALL_BITS:
			*flags |= PF_MASKOS;
			break;
		case NO_STACK:
			*flags |= PF_SYSMAP_NOSEAL;
			*type = PT_NULL;
			break;
		default:
			break;
		}
	}
	return others && stacks == (mark == FIRST_OF_TWO || mark == LAST_OF_TWO ? 2 : 1);
}

/* from is a name in the directory of this program, to is a path. */
static bool copy_marked(const char *from, const char *to, enum mark mark, mode_t mode)
{
	static unsigned char buf[1 << 20];
	size_t size = 0;
	ssize_t n = -1;
	int dir, fd;

	dir = open(here(), O_PATH | O_CLOEXEC);
	fd = openat(dir, from, O_RDONLY | O_CLOEXEC);
	close(dir);
	if (fd < 0)
		return false;
	while ((n = read(fd, buf + size, sizeof(buf) - size)) > 0)
		size += n;
	close(fd);
	if (n < 0 || size == sizeof(buf))
		return false;
	if (mark != UNMARKED && !set_mark(buf, size, mark)) {
		printf("# %s has no headers to make \"%s\" of\n", from, marks[mark].name);
		return false;
	}

	unlink(to);
	fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	if (fd < 0)
		return false;
	n = write(fd, buf, size);
	if (fchmod(fd, mode))
		n = -1;
	close(fd);
	return n == (ssize_t)size;
}

/* A directory for copies, with the interpreter in it. */
struct place {
	char dir[32];
	char file[64];
	char interp[64];
};

static bool make_place(struct place *place)
{
	strcpy(place->dir, "/tmp/mseal_sysmap.XXXXXX");
	if (!mkdtemp(place->dir) || chmod(place->dir, 0755))
		return false;
	snprintf(place->file, sizeof(place->file), "%s/probe", place->dir);
	snprintf(place->interp, sizeof(place->interp), "%s/%s", place->dir, interpreter);
	return copy_marked(interpreter, place->interp, UNMARKED, 0755);
}

static void remove_place(struct place *place)
{
	unlink(place->file);
	unlink(place->interp);
	rmdir(place->dir);
}

/* Command line of the kernel */

/* The system mappings of the first process */
static bool init_report(struct report *r)
{
	char *line, *next, *name;
	struct map map;

	memset(r, 0, sizeof(*r));
	memset(&map, 0, sizeof(map));
	for (line = read_proc("/proc/1/smaps"); *line; line = next) {
		next = strchrnul(line, '\n');
		if (*next)
			*next++ = '\0';
		name = strstr(line, " [v");
		if (name) {
			memset(&map, 0, sizeof(map));
			snprintf(map.name, sizeof(map.name), "%s", name + 1);
		}
		if (!strncmp(line, "VmFlags:", 8) && map.name[0]) {
			take_flags(&map, line + 8);
			/* A page at a fixed address, which is not a mapping. */
			if (strcmp(map.name, "[vsyscall]") && r->nr < MAX_MAPS)
				r->maps[r->nr++] = map;
			memset(&map, 0, sizeof(map));
		}
	}
	return r->nr;
}

TEST(boot)
{
	const char *at = strstr(read_proc("/proc/cmdline"), CMDLINE_NAME);
	struct report r;
	int wanted;

	if (!at)
		SKIP(return, "the kernel was not started with " CMDLINE_NAME);
	wanted = atoi(at + strlen(CMDLINE_NAME));
	ASSERT_EQ(wanted, get_level());
	ASSERT_TRUE(init_report(&r));
	EXPECT_TRUE(all_sealed(&r, wanted > 0));
}

/* By level and kind of program */

FIXTURE(level)
{
	int old;
	struct start start;
};

FIXTURE_VARIANT(level)
{
	int level;
	enum kind kind;
};

#define LEVEL_VARIANT(name, kind_, level_)				\
	FIXTURE_VARIANT_ADD(level, name) { .kind = kind_, .level = level_ }

LEVEL_VARIANT(static_0, STATIC, 0);
LEVEL_VARIANT(static_1, STATIC, 1);
LEVEL_VARIANT(dynamic_0, DYNAMIC, 0);
LEVEL_VARIANT(dynamic_1, DYNAMIC, 1);
LEVEL_VARIANT(compat_0, COMPAT, 0);
LEVEL_VARIANT(compat_1, COMPAT, 1);

FIXTURE_SETUP(level)
{
	self->old = get_level();
	if (!can_change(_metadata, self->old) ||
	    !can_start(_metadata, variant->kind, &self->start))
		return;
	ASSERT_EQ(0, set_level(variant->level));
	ASSERT_EQ(variant->level, get_level());
}

FIXTURE_TEARDOWN(level)
{
	EXPECT_EQ(0, set_level(self->old));
}

TEST_F(level, exec)
{
	struct report r;

	ASSERT_TRUE(run_probe(&self->start, "show", &r));
	ASSERT_EQ(0, r.err);
	EXPECT_TRUE(all_sealed(&r, variant->level));
	/* These must exist, except on UML, whose vdso has no data. */
	if (strstr(read_proc("/proc/cpuinfo"), "User Mode Linux"))
		return;
	EXPECT_NE(NULL, find_map(&r, "[vvar]"));
#ifdef __x86_64__
	EXPECT_NE(NULL, find_map(&r, "[vvar_vclock]"));
#endif
}

TEST_F(level, children_have_what_their_parent_has)
{
	struct report r[5];

	ASSERT_TRUE(run_probe(&self->start, "show fork show fork show", r));
	EXPECT_TRUE(all_sealed(&r[0], variant->level));
	EXPECT_TRUE(same_maps(&r[0], &r[2]));
	EXPECT_TRUE(same_maps(&r[0], &r[4]));
}

/* A change applies from the next exec on, after vfork() too, and to no process before. */
TEST_F(level, change)
{
	const int other = !variant->level;
	struct report before, after;
	struct probe p;

	ASSERT_TRUE(start_probe(&p, &self->start,
				"show wait show " AGAIN " show fork show"));
	ASSERT_TRUE(read_step(&p, "show", &before));
	EXPECT_TRUE(all_sealed(&before, variant->level));
	ASSERT_EQ(0, set_level(other));
	ASSERT_TRUE(let_go(&p));
	ASSERT_TRUE(read_step(&p, "wait", &after));
	ASSERT_TRUE(read_step(&p, "show", &after));
	EXPECT_TRUE(same_maps(&before, &after)) {
		TH_LOG("a running process changed");
	}
	/* The program that it has started */
	ASSERT_TRUE(read_step(&p, "show", &after));
	EXPECT_TRUE(all_sealed(&after, other));
	ASSERT_TRUE(read_step(&p, AGAIN, &after));
	EXPECT_EQ(0, after.err);
	ASSERT_TRUE(read_step(&p, "show", &after));
	EXPECT_TRUE(same_maps(&before, &after)) {
		TH_LOG("a process changed that has started another by vfork()");
	}
	ASSERT_TRUE(read_step(&p, "fork", &after));
	ASSERT_TRUE(read_step(&p, "show", &after));
	EXPECT_TRUE(same_maps(&before, &after)) {
		TH_LOG("a child is not like its parent");
	}
	EXPECT_EQ(0, end_probe(&p));
}

/* An operation that changes a mapping: it is refused if sealed, and done otherwise. */
static void expect_operation(struct __test_metadata *_metadata, bool sealed,
			     const char *op, const char *name,
			     const struct report *before, int err,
			     const struct report *after)
{
	const struct map *old = find_map(before, name);
	const struct map *new = find_map(after, name);
	const bool same = same_maps(before, after);
	int want = sealed ? EPERM : 0;

	ASSERT_NE(NULL, old);
	/* The kernel never splits these mappings. */
	if (!sealed && !strcmp(op, "munmap-page") &&
	    old->end - old->start > (unsigned long)getpagesize())
		want = EINVAL;
	EXPECT_EQ(want, err) {
		TH_LOG("%s of %s: %s, expected %s", op, name, errno_name(err),
		       errno_name(want));
	}
	EXPECT_EQ(!!want, same) {
		TH_LOG("%s of %s: %s happened", op, name, same ? "nothing" : "something");
	}
	if (!want && !strcmp(op, "mprotect")) {
		ASSERT_NE(NULL, new);
		EXPECT_TRUE(same_place(old, new));
		EXPECT_STREQ("", new->perms);
	}
}

TEST_F(level, operations)
{
	static const char *const ops[] = {
		"munmap", "munmap-page", "mprotect", "map-fixed", "move", "move-onto",
		"dontfork",
	};
	struct report all, r[3 * ARRAY_SIZE(ops) * MAX_MAPS], *at;
	char steps[64 * ARRAY_SIZE(ops)];
	char *end;

	ASSERT_TRUE(run_probe(&self->start, "show", &all));
	ASSERT_LE(1, all.nr);
	for (int k = 0; k < all.nr; k++) {
		const char *name = all.maps[k].name;

		end = steps;
		for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
			/* Look at the effect at once, or in a child. */
			end += sprintf(end, "%sshow %s:%s %sshow", end > steps ? " " : "",
				       ops[i], name, strcmp(ops[i], "dontfork") ? "" : "fork ");
			if (variant->level && i < ARRAY_SIZE(ops) - 1)
				continue;
			/* One program for each operation, or for all if all are refused. */
			ASSERT_TRUE(run_probe(&self->start, steps, r));
			at = r;
			for (size_t n = variant->level ? 0 : i; n <= i; n++) {
				const int more = !strcmp(ops[n], "dontfork");

				expect_operation(_metadata, variant->level, ops[n], name,
						 &at[0], at[1].err, &at[2 + more]);
				at += 3 + more;
			}
			end = steps;
		}
	}
}

/* CRIU moves the vdso to its old place when it restores a process. */
TEST_F(level, move_vdso)
{
	struct report r[5];

	ASSERT_TRUE(run_probe(&self->start, "show clock criu show clock", r));
	EXPECT_EQ(0, r[1].err);
	EXPECT_EQ(variant->level ? EPERM : 0, r[2].err);
	EXPECT_EQ(variant->level, same_maps(&r[0], &r[3]));
	EXPECT_EQ(r[0].nr, r[3].nr);
	EXPECT_EQ(0, r[4].err) {
		TH_LOG("the vdso cannot be used: %s", errno_name(r[4].err));
	}
}

/* uprobes */

/* A breakpoint in the probe: a file descriptor, or minus the error. */
static int set_uprobe(struct probe *p, const char *file, unsigned long offset)
{
	struct perf_event_attr attr = {
		.type = uprobe_type(),
		.size = sizeof(attr),
		.sample_period = 1,
		.wakeup_events = 1,
	};
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", here(), file);
	attr.config1 = (unsigned long)path;
	attr.config2 = offset;
	fd = syscall(__NR_perf_event_open, &attr, p->pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The area is mapped long after the exec, but the level at the exec applies. */
TEST_F(level, uprobes)
{
	const int want = variant->level ? EPERM : 0;
	struct report where, before, r;
	int fds[2];
	struct probe p;

	if (uprobe_type() < 0)
		SKIP(return, "this kernel has no uprobes for perf_event_open()");
	ASSERT_TRUE(start_probe(&p, &self->start,
				"where show wait target target-nop show munmap:[uprobes] show"));
	ASSERT_TRUE(read_step(&p, "where", &where));
	ASSERT_NE(0, where.target);
	ASSERT_TRUE(read_step(&p, "show", &before));
	EXPECT_EQ(NULL, find_map(&before, "[uprobes]"));
	fds[0] = set_uprobe(&p, files[variant->kind], where.target);
	ASSERT_LE(0, fds[0]) {
		TH_LOG("a uprobe: %s", errno_name(-fds[0]));
	}
	fds[1] = set_uprobe(&p, files[variant->kind], where.target_nop);
	ASSERT_LE(0, fds[1]);
	ASSERT_EQ(0, set_level(!variant->level));

	ASSERT_TRUE(let_go(&p));
	ASSERT_TRUE(read_step(&p, "wait", &r));
	ASSERT_TRUE(read_step(&p, "target", &r));
	ASSERT_TRUE(read_step(&p, "target-nop", &r));
	ASSERT_TRUE(read_step(&p, "show", &before));
	ASSERT_NE(NULL, find_map(&before, "[uprobes]"));
#ifdef __x86_64__
	if (variant->kind != COMPAT)
		EXPECT_NE(NULL, find_map(&before, "[uprobes-trampoline]"));
#endif
	EXPECT_TRUE(all_sealed(&before, variant->level));
	ASSERT_TRUE(read_step(&p, "munmap:[uprobes]", &r));
	EXPECT_EQ(want, r.err);
	ASSERT_TRUE(read_step(&p, "show", &r));
	EXPECT_EQ(variant->level, same_maps(&before, &r));
	EXPECT_EQ(0, end_probe(&p));
	close(fds[0]);
	close(fds[1]);
}

/* Opting out: a mark in the file */
TEST_F(level, mark)
{
	struct place place;
	struct report r[3];
	struct start copy = { .dir = place.dir, .file = place.file };

	ASSERT_TRUE(make_place(&place));
	for (int i = 0; i < NR_MARKS; i++) {
		const bool sealed = variant->level && !marks[i].noseal;

		ASSERT_TRUE(copy_marked(files[variant->kind], place.file, i, 0755));
		ASSERT_TRUE(run_probe(&copy, "show criu clock", r));
		EXPECT_TRUE(all_sealed(&r[0], sealed)) {
			TH_LOG("a program with %s", marks[i].name);
		}
		EXPECT_EQ(sealed ? EPERM : 0, r[1].err);
		EXPECT_EQ(0, r[2].err);
	}
	remove_place(&place);
}

/* Only the file counts: programs do not pass the mark on, or inherit it. */
TEST_F(level, mark_is_of_the_file)
{
	struct place place;
	char steps[128];
	struct report r[5];
	struct start copy = { .dir = place.dir, .file = place.file };

	ASSERT_TRUE(make_place(&place));
	ASSERT_TRUE(copy_marked(files[variant->kind], place.file, MARKED, 0755));
	snprintf(steps, sizeof(steps), "fork start:%s/%s", here(), files[variant->kind]);
	/* The interpreter is found by the starter's working directory. */
	ASSERT_TRUE(run_starter(&copy, steps, r));
	EXPECT_TRUE(all_sealed(&r[1], variant->level)) {
		TH_LOG("a program that a marked one has started");
	}
	snprintf(steps, sizeof(steps), "fork start:%s", place.file);
	ASSERT_TRUE(run_starter(&self->start, steps, r));
	EXPECT_TRUE(all_sealed(&r[1], false)) {
		TH_LOG("a marked program that another one has started");
	}

	if (variant->kind == DYNAMIC) {
		ASSERT_TRUE(copy_marked(files[variant->kind], place.file, UNMARKED, 0755));
		ASSERT_TRUE(copy_marked(interpreter, place.interp, MARKED, 0755));
		ASSERT_TRUE(run_probe(&copy, "show", r));
		EXPECT_TRUE(all_sealed(&r[0], variant->level)) {
			TH_LOG("a program with a marked interpreter");
		}
	}
	remove_place(&place);
}

/* The other way to opt out: a personality, which programs inherit. */
TEST_F(level, personality)
{
	struct start how = self->start;
	struct report r[4];

	how.persona = ADDR_SYSMAP_NOSEAL_BIT;
	ASSERT_TRUE(run_starter(&how, "show " AGAIN, r));
	EXPECT_TRUE(all_sealed(&r[0], false));
	EXPECT_TRUE(all_sealed(&r[1], false)) {
		TH_LOG("a program started by one of that personality");
	}
	how.persona = ADDR_NO_RANDOMIZE;
	ASSERT_TRUE(run_probe(&how, "show", r));
	EXPECT_TRUE(all_sealed(&r[0], variant->level));
}

/* set-user-ID: the caller's personality does not count, the file's mark does. */
TEST_F(level, set_user_id)
{
	struct place place;
	struct report r;
	struct start how = {
		.dir = place.dir, .file = place.file, .uid = NOBODY,
		.persona = ADDR_SYSMAP_NOSEAL_BIT,
	};

	ASSERT_TRUE(make_place(&place));
	ASSERT_TRUE(copy_marked(files[variant->kind], place.file, UNMARKED, 0755));
	ASSERT_TRUE(run_probe(&how, "show", &r));
	EXPECT_TRUE(all_sealed(&r, false));
	ASSERT_TRUE(copy_marked(files[variant->kind], place.file, UNMARKED, 04755));
	ASSERT_TRUE(run_probe(&how, "show", &r));
	EXPECT_TRUE(all_sealed(&r, variant->level));
	how.persona = 0;
	ASSERT_TRUE(copy_marked(files[variant->kind], place.file, MARKED, 04755));
	ASSERT_TRUE(run_probe(&how, "show", &r));
	EXPECT_TRUE(all_sealed(&r, false));
	remove_place(&place);
}

/* Programs that start while the value changes */

FIXTURE(race)
{
	int old;
	pid_t flipper;
	struct start start;
};

FIXTURE_VARIANT(race)
{
	enum kind kind;
};

FIXTURE_VARIANT_ADD(race, static) { .kind = STATIC };
FIXTURE_VARIANT_ADD(race, dynamic) { .kind = DYNAMIC };
FIXTURE_VARIANT_ADD(race, compat) { .kind = COMPAT };

static void flip(void)
{
	const int fd = open(LEVEL_FILE, O_WRONLY | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0;; i++)
		if (write_text(fd, i & 1 ? "1" : "0"))
			_exit(1);
}

FIXTURE_SETUP(race)
{
	self->old = get_level();
	if (!can_change(_metadata, self->old) ||
	    !can_start(_metadata, variant->kind, &self->start))
		return;
	fflush(stdout);
	self->flipper = fork();
	ASSERT_LE(0, self->flipper);
	if (!self->flipper)
		flip();
}

FIXTURE_TEARDOWN(race)
{
	int status = 0;

	if (self->flipper <= 0)
		return;
	kill(self->flipper, SIGKILL);
	EXPECT_EQ(self->flipper, waitpid(self->flipper, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status)) {
		TH_LOG("the value could not be changed all the time");
	}
	EXPECT_EQ(0, set_level(self->old));
}

#define ROUNDS		30
#define MAX_ROUNDS	2000

/* Each process has one value for all its mappings. */
TEST_F_TIMEOUT(race, one_value, 180)
{
	int sealed = 0, not = 0, i;
	struct report r;

	for (i = 0; i < MAX_ROUNDS && (i < ROUNDS || !sealed || !not); i++) {
		ASSERT_TRUE(run_probe(&self->start, "show", &r));
		if (r.maps[0].seals[0])
			sealed++;
		else
			not++;
		ASSERT_TRUE(all_sealed(&r, r.maps[0].seals[0])) {
			TH_LOG("round %d: a mixture", i);
		}
	}
	printf("# %d programs: %d sealed, %d not\n", i, sealed, not);
	EXPECT_LT(0, sealed);
	EXPECT_LT(0, not);
}

/* Permission to write */

FIXTURE(writer)
{
	int old;
	int fd;
};

FIXTURE_SETUP(writer)
{
	self->fd = -1;
	self->old = get_level();
	if (!can_change(_metadata, self->old))
		return;
	ASSERT_EQ(0, set_level(1));
	self->fd = open(LEVEL_FILE, O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(writer)
{
	if (self->fd < 0)
		return;
	close(self->fd);
	EXPECT_EQ(0, set_level(self->old));
}

/* The value of an expression in a child, which may drop privileges. */
#define in_child(expression)						\
({									\
	pid_t child_;							\
	int status_ = -1;						\
									\
	fflush(stdout);							\
	child_ = fork();						\
	if (!child_)							\
		_exit(expression);					\
	waitpid(child_, &status_, 0);					\
	WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;			\
})

/* Write to fd, which root has opened; -1: open the sysctl here. */
static int write_as(int fd, const char *text)
{
	return fd < 0 ? set_text(text) : write_text(fd, text);
}

static int as_nobody(int fd, const char *text)
{
	become(NOBODY);
	return write_as(fd, text);
}

static int without_capability(int fd, const char *text)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};

	if (syscall(SYS_capset, &header, none))
		return 126;
	return write_as(fd, text);
}

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good;

	if (fd < 0)
		return false;
	good = !write_text(fd, text);
	close(fd);
	return good;
}

/* Root of a user namespace that maps it to root. */
static int as_root_of_namespace(int fd, const char *text)
{
	if (unshare(CLONE_NEWUSER) || !put("/proc/self/setgroups", "deny") ||
	    !put("/proc/self/uid_map", "0 0 1") || !put("/proc/self/gid_map", "0 0 1"))
		return 126;
	return write_as(fd, text);
}

/* Root of a user namespace that maps it to nobody. */
static int as_mapped_nobody(int fd, const char *text)
{
	become(NOBODY);
	prctl(PR_SET_DUMPABLE, 1);
	if (unshare(CLONE_NEWUSER) || !put("/proc/self/setgroups", "deny") ||
	    !put("/proc/self/uid_map", "0 65534 1") || !put("/proc/self/gid_map", "0 65534 1"))
		return 126;
	return write_as(fd, text);
}

TEST_F(writer, root)
{
	EXPECT_EQ(0, set_text("0"));
	EXPECT_EQ(0, get_level());
	EXPECT_EQ(0, set_text("1\n"));
	EXPECT_EQ(1, get_level());
	EXPECT_EQ(0, set_text("1"));
	EXPECT_EQ(1, get_level());
}

TEST_F(writer, reading_is_for_all)
{
	EXPECT_EQ(1, in_child((become(NOBODY), get_level())));
}

TEST_F(writer, others)
{
	static const struct {
		const char *name;
		int (*write)(int fd, const char *text);
		int err_of_open;
	} writers[] = {
		{ "not root",			as_nobody,		EACCES },
		{ "root without CAP_SYS_ADMIN",	without_capability,	EPERM },
		{ "root of a user namespace",	as_root_of_namespace,	EPERM },
		{ "root there, not outside",	as_mapped_nobody,	EACCES },
	};
	/* EPERM comes before the value is looked at. */
	static const char *const texts[] = { "0", "1", "2", "3", "x" };

	for (size_t i = 0; i < ARRAY_SIZE(writers); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(texts); k++) {
			EXPECT_EQ(writers[i].err_of_open,
				  in_child(writers[i].write(-1, texts[k]))) {
				TH_LOG("%s, %s", writers[i].name, texts[k]);
			}
			EXPECT_EQ(EPERM, in_child(writers[i].write(self->fd, texts[k]))) {
				TH_LOG("%s, %s, opened by root", writers[i].name, texts[k]);
			}
			EXPECT_EQ(1, get_level());
		}
	}
}

TEST_F(writer, bad_values)
{
	static const char *const texts[] = {
		"3", "-1", "-2", "4294967296", "99999999999999999999", "x", "1x", "-", "\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		EXPECT_EQ(EINVAL, set_text(texts[i])) {
			TH_LOG("\"%s\"", texts[i]);
		}
		EXPECT_EQ(1, get_level());
	}
}

/* Level 2. From here on nothing can be undone. */

FIXTURE(locked)
{
	struct start start;
};

FIXTURE_VARIANT(locked)
{
	enum kind kind;
};

FIXTURE_VARIANT_ADD(locked, static) { .kind = STATIC };
FIXTURE_VARIANT_ADD(locked, dynamic) { .kind = DYNAMIC };
FIXTURE_VARIANT_ADD(locked, compat) { .kind = COMPAT };

FIXTURE_SETUP(locked)
{
	if (get_level() < 0)
		SKIP(return, "this kernel has no " LEVEL_FILE);
	if (geteuid())
		SKIP(return, "not root");
	can_start(_metadata, variant->kind, &self->start);
}

FIXTURE_TEARDOWN(locked)
{
}

TEST_F(locked, for_good)
{
	static const char *const texts[] = { "0", "1", "3", "-1", "x" };
	struct report before, after;
	const int old = get_level();
	struct probe p;

	/* A process that runs already stays as it is. */
	if (old != 2)
		ASSERT_EQ(0, set_level(0));
	ASSERT_TRUE(start_probe(&p, &self->start, "show wait show"));
	ASSERT_TRUE(read_step(&p, "show", &before));
	EXPECT_TRUE(all_sealed(&before, old == 2));
	ASSERT_EQ(0, set_level(2));
	ASSERT_EQ(2, get_level());
	ASSERT_TRUE(let_go(&p));
	ASSERT_TRUE(read_step(&p, "wait", &after));
	ASSERT_TRUE(read_step(&p, "show", &after));
	EXPECT_TRUE(same_maps(&before, &after));
	EXPECT_EQ(0, end_probe(&p));

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		EXPECT_EQ(EINVAL, set_text(texts[i])) {
			TH_LOG("\"%s\"", texts[i]);
		}
		EXPECT_EQ(EPERM, in_child(without_capability(-1, texts[i])));
		EXPECT_EQ(2, get_level());
	}
	EXPECT_EQ(0, set_level(2));
	EXPECT_EQ(2, get_level());
}

TEST_F(locked, exec)
{
	struct report r[4];

	ASSERT_EQ(0, set_level(2));
	ASSERT_TRUE(run_probe(&self->start, "show fork show", r));
	EXPECT_TRUE(all_sealed(&r[0], true));
	EXPECT_TRUE(same_maps(&r[0], &r[2]));
	ASSERT_TRUE(run_probe(&self->start, "show criu show clock", r));
	EXPECT_EQ(EPERM, r[1].err);
	EXPECT_TRUE(same_maps(&r[0], &r[2]));
	EXPECT_EQ(0, r[3].err);
}

TEST_F(locked, no_way_out)
{
	struct place place;
	struct report r[3];
	struct start copy = { .dir = place.dir, .file = place.file };

	ASSERT_EQ(0, set_level(2));
	ASSERT_TRUE(make_place(&place));
	for (int i = 0; i < NR_MARKS; i++) {
		ASSERT_TRUE(copy_marked(files[variant->kind], place.file, i, 0755));
		for (int k = 0; k < (i > MARKED ? 1 : 2); k++) {
			copy.persona = k ? ADDR_SYSMAP_NOSEAL_BIT : 0;
			ASSERT_TRUE(run_probe(&copy, "show criu clock", r));
			EXPECT_TRUE(all_sealed(&r[0], true)) {
				TH_LOG("a program with %s, personality %lx",
				       marks[i].name, copy.persona);
			}
			EXPECT_EQ(EPERM, r[1].err);
			EXPECT_EQ(0, r[2].err);
		}
	}
	remove_place(&place);
}

TEST_HARNESS_MAIN
