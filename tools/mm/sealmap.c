// SPDX-License-Identifier: GPL-2.0-only
/*
 * sealmap: what mseal(2) has sealed in a process, what that refuses, and what is not
 * sealed and should be. The manual is sealmap.8.
 *
 * The mappings come from PROCMAP_QUERY where the kernel returns seals there, and from
 * /proc/PID/smaps otherwise. The rules are those of vma_attr_rules[] in mm/vma_attr.c;
 * scripts/mseal/tests/rule-copies compares them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __NR_mseal
#define __NR_mseal		462
#endif

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

/* The seals of a mapping: the flags of mseal(2), and what it seals without flags. */
#define SEAL_MAP		0x1
#define SEAL_PROT		0x2
#define SEAL_DISCARD		0x4
#define SEAL_DISCARD_WEAK	0x8
#define SEAL_ANY		0xf

/* The protection: PROCMAP_QUERY_VMA_READABLE and so on. */
#define PROT_R			0x1
#define PROT_W			0x2
#define PROT_X			0x4
#define PROT_S			0x8

#ifndef PROCMAP_QUERY
#define PROCFS_IOCTL_MAGIC	'f'
#define PROCMAP_QUERY		_IOWR(PROCFS_IOCTL_MAGIC, 17, struct procmap_query)
#define PROCMAP_QUERY_COVERING_OR_NEXT_VMA	0x10

struct procmap_query {
	__u64 size;
	__u64 query_flags;
	__u64 query_addr;
	__u64 vma_start;
	__u64 vma_end;
	__u64 vma_flags;
	__u64 vma_page_size;
	__u64 vma_offset;
	__u64 inode;
	__u32 dev_major;
	__u32 dev_minor;
	__u32 vma_name_size;
	__u32 build_id_size;
	__u64 vma_name_addr;
	__u64 build_id_addr;
};
#endif
/* PROCMAP_QUERY_VMA_SEALED_MAP, and the other seals in the order of SEAL_*. */
#define QUERY_SEALS_SHIFT	6

/* Exit status */
#define EXIT_OK			0
#define EXIT_NO			1	/* refused; something is not sealed */
#define EXIT_ERROR		2
#define EXIT_DEPENDS		3	/* on the protection keys of the caller */

/**
 * struct mapping - A mapping of the process
 * @start: its first address
 * @end: its end address, exclusive
 * @prot: mask of PROT_*
 * @seals: mask of SEAL_*
 * @pkey: its protection key; 0 if it has none or if that is not known
 * @shadow_stack: no store can write to it, whatever @prot says
 * @copied: it has private copies of pages of its file, or anonymous pages
 * @file: it maps a file
 * @name: the file, or what the kernel calls the mapping; "" if it has no name
 */
struct mapping {
	unsigned long start, end;
	unsigned int prot, seals, pkey;
	bool shadow_stack, copied, file;
	char *name;
};

static struct mapping *mappings;
static size_t nr_mappings;

/**
 * struct rule - Which seals refuse an operation
 * @name: as in the kernel
 * @always: any of these refuses it
 * @unless_writable: any of these refuses it to a caller that could not have written
 */
struct rule {
	const char *name;
	unsigned int always, unless_writable;
};

static const struct rule rules[] = {
	{ "none", 0, 0 },
	{ "unmap", SEAL_MAP, 0 },
	{ "remap", SEAL_MAP, 0 },
	{ "remap-empty", SEAL_MAP, SEAL_DISCARD },
	{ "protect", SEAL_PROT, 0 },
	{ "dontfork", 0, SEAL_MAP },
	{ "discard", 0, SEAL_DISCARD_WEAK | SEAL_DISCARD },
	{ "wipeonfork", 0, SEAL_DISCARD_WEAK | SEAL_DISCARD },
	{ "keeponfork", 0, SEAL_DISCARD },
	{ "guard-install", SEAL_PROT, SEAL_DISCARD_WEAK | SEAL_DISCARD },
	{ "guard-remove", SEAL_PROT, 0 },
	{ "uffd-register", 0, SEAL_DISCARD },
	{ "uffd-fill", 0, SEAL_DISCARD },
	{ "uffd-empty", 0, SEAL_DISCARD },
	{ "zerocopy", 0, SEAL_DISCARD },
};

/* A kernel whose mseal() knows no flags differs in these. */
static const struct rule rules_without_flags[] = {
	{ "dontfork", 0, SEAL_DISCARD_WEAK },
	{ "guard-install", 0, SEAL_DISCARD_WEAK },
	{ "guard-remove", 0, 0 },
};

/* The calls that --explain knows, and the operation that each is. */
static const struct call {
	const char *name, *rule;
} calls[] = {
	{ "munmap", "unmap" },
	{ "mmap", "unmap" },			/* MAP_FIXED over it */
	{ "brk", "unmap" },			/* downwards */
	{ "shmat", "unmap" },			/* SHM_REMAP over it */
	{ "shmdt", "unmap" },
	{ "remap_file_pages", "unmap" },
	{ "mremap-onto", "unmap" },		/* the destination */
	{ "mremap", "remap" },
	{ "mremap-dontunmap", "remap-empty" },
	{ "mprotect", "protect" },
	{ "pkey_mprotect", "protect" },
	{ "MADV_DONTNEED", "discard" },
	{ "MADV_DONTNEED_LOCKED", "discard" },
	{ "MADV_FREE", "discard" },
	{ "MADV_REMOVE", "discard" },
	{ "MADV_DONTFORK", "dontfork" },
	{ "MADV_DOFORK", "none" },
	{ "MADV_WIPEONFORK", "wipeonfork" },
	{ "MADV_KEEPONFORK", "keeponfork" },
	{ "MADV_GUARD_INSTALL", "guard-install" },
	{ "MADV_GUARD_REMOVE", "guard-remove" },
	{ "UFFDIO_REGISTER", "uffd-register" },	/* missing or minor */
	{ "UFFDIO_COPY", "uffd-fill" },
	{ "UFFDIO_ZEROPAGE", "uffd-fill" },
	{ "UFFDIO_CONTINUE", "uffd-fill" },
	{ "UFFDIO_POISON", "uffd-fill" },
	{ "UFFDIO_MOVE-onto", "uffd-fill" },	/* the destination */
	{ "UFFDIO_MOVE", "uffd-empty" },
	{ "TCP_ZEROCOPY_RECEIVE", "zerocopy" },
};

static const char *const seal_names[] = { "MAP", "PROT", "DISCARD", "DISCARD_WEAK" };

static bool colour;

static _Noreturn void die(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("sealmap: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(EXIT_ERROR);
}

static void *checked(void *p)
{
	if (!p)
		die("out of memory");
	return p;
}

/*
 * Reading the mappings
 */

static struct mapping *add_mapping(void)
{
	if (!(nr_mappings & (nr_mappings - 1)))
		mappings = checked(realloc(mappings, (nr_mappings ? 2 * nr_mappings : 1) *
					   sizeof(*mappings)));
	mappings[nr_mappings] = (struct mapping){ };
	return &mappings[nr_mappings++];
}

static void forget_mappings(void)
{
	while (nr_mappings)
		free(mappings[--nr_mappings].name);
	free(mappings);
	mappings = NULL;
}

static _Noreturn void no_such_process(pid_t pid, int err)
{
	if (err == EACCES || err == EPERM)
		die("cannot read the mappings of process %d: %s (it is another user's?)", pid,
		    strerror(err));
	die("cannot read the mappings of process %d: %s", pid,
	    err == ENOENT || err == ESRCH ? "there is no such process" : strerror(err));
}

/*
 * By PROCMAP_QUERY, which does not walk page tables and holds up nobody. Return: false
 * if the kernel does not know the ioctl, or returns no seals.
 */
static bool read_by_query(pid_t pid)
{
	static char name[PATH_MAX];
	unsigned long addr = 0;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		no_such_process(pid, errno);

	/* A kernel that does not know the filter refuses it. */
	struct procmap_query query = {
		.size = sizeof(query),
		.query_flags = PROCMAP_QUERY_COVERING_OR_NEXT_VMA |
			       SEAL_MAP << QUERY_SEALS_SHIFT,
	};
	if (ioctl(fd, PROCMAP_QUERY, &query) && errno != ENOENT) {
		if (errno == ESRCH)
			no_such_process(pid, errno);
		close(fd);
		return false;
	}

	for (;;) {
		struct mapping *m;

		query = (struct procmap_query){
			.size = sizeof(query),
			.query_flags = PROCMAP_QUERY_COVERING_OR_NEXT_VMA,
			.query_addr = addr,
			.vma_name_addr = (uintptr_t)name,
			.vma_name_size = sizeof(name),
		};
		if (ioctl(fd, PROCMAP_QUERY, &query)) {
			if (errno == ENOENT)
				break;
			no_such_process(pid, errno);
		}
		m = add_mapping();
		m->start = query.vma_start;
		m->end = query.vma_end;
		m->prot = query.vma_flags & (PROT_R | PROT_W | PROT_X | PROT_S);
		m->seals = query.vma_flags >> QUERY_SEALS_SHIFT & SEAL_ANY;
		m->file = query.inode || query.dev_major || query.dev_minor;
		m->name = checked(strdup(query.vma_name_size ? name : ""));
		addr = query.vma_end;
	}
	close(fd);
	return true;
}

/* VmFlags of smaps: " rd mr mw me lm lp sl ". */
static bool has_flag(const char *flags, const char *flag)
{
	const char *at = flags;

	while ((at = strstr(at, flag))) {
		if (at[-1] == ' ' && (at[2] == ' ' || at[2] == '\n'))
			return true;
		at += 2;
	}
	return false;
}

static unsigned int seals_in(const char *flags)
{
	unsigned int seals = 0;

	if (has_flag(flags, "lm"))
		seals |= SEAL_MAP;
	if (has_flag(flags, "lp"))
		seals |= SEAL_PROT;
	if (has_flag(flags, "ld"))
		seals |= SEAL_DISCARD | SEAL_DISCARD_WEAK;
	/* Alone, in a kernel without flags. */
	if (has_flag(flags, "sl"))
		seals |= SEAL_MAP | SEAL_PROT | SEAL_DISCARD_WEAK;

	return seals;
}

static void read_by_smaps(pid_t pid)
{
	struct mapping *m = NULL;
	char path[64], *line = NULL;
	unsigned long value;
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	file = fopen(path, "re");
	if (!file)
		no_such_process(pid, errno);

	while (getline(&line, &size, file) > 0) {
		unsigned long start, end, inode;
		unsigned int major, minor;
		char perms[5];
		int name = 0;

		/* As in "08048000-080bc000 r-xp 00000000 03:02 13130  /bin/bash". */
		if (sscanf(line, "%lx-%lx %4s %*x %x:%x %lu %n", &start, &end, perms,
			   &major, &minor, &inode, &name) == 6) {
			m = add_mapping();
			m->start = start;
			m->end = end;
			m->prot = (perms[0] == 'r' ? PROT_R : 0) |
				  (perms[1] == 'w' ? PROT_W : 0) |
				  (perms[2] == 'x' ? PROT_X : 0) |
				  (perms[3] == 's' ? PROT_S : 0);
			m->file = inode || major || minor;
			line[strcspn(line, "\n")] = '\0';
			m->name = checked(strdup(name ? line + name : ""));
		} else if (m && sscanf(line, "Anonymous: %lu kB", &value) == 1) {
			m->copied = value;
		} else if (m && sscanf(line, "ProtectionKey: %lu", &value) == 1) {
			m->pkey = value;
		} else if (m && !strncmp(line, "VmFlags:", 8)) {
			m->seals = seals_in(line + 8);
			m->shadow_stack = has_flag(line + 8, "ss");
		}
	}
	if (ferror(file))
		no_such_process(pid, errno);
	free(line);
	fclose(file);
}

/*
 * @details: are shadow stacks, protection keys and copied pages needed? Only smaps has
 * them.
 */
static void read_mappings(pid_t pid, bool details)
{
	forget_mappings();
	if (details || !read_by_query(pid))
		read_by_smaps(pid);
	if (!nr_mappings)
		die("process %d has no mappings: it is a kernel thread, or it has ended", pid);
}

/*
 * Writing them
 */

static const char *seals_text(unsigned int seals)
{
	static char text[64];

	text[0] = '\0';
	/* MSEAL_DISCARD includes the weak discard rule. */
	if (seals & SEAL_DISCARD)
		seals &= ~SEAL_DISCARD_WEAK;
	for (size_t i = 0; i < ARRAY_SIZE(seal_names); i++) {
		if (!(seals & 1U << i))
			continue;
		if (text[0])
			strcat(text, "|");
		strcat(text, seal_names[i]);
	}
	return text[0] ? text : "-";
}

static const char *prot_text(unsigned int prot)
{
	static char text[5];

	snprintf(text, sizeof(text), "%c%c%c%c", prot & PROT_R ? 'r' : '-',
		 prot & PROT_W ? 'w' : '-', prot & PROT_X ? 'x' : '-',
		 prot & PROT_S ? 's' : 'p');
	return text;
}

/* A name that a program or the owner of a file chose, on one line. */
static void print_name(const char *name)
{
	for (; *name; name++) {
		if ((unsigned char)*name < ' ' || *name == 0x7f)
			printf("\\%03o", (unsigned char)*name);
		else
			putchar(*name);
	}
}

static void print_json_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		const unsigned char c = *text;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ' || c > '~')
			/* A name is bytes, JSON is characters: take them for Latin-1. */
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static int show_json(void)
{
	puts("[");
	for (size_t i = 0; i < nr_mappings; i++) {
		const struct mapping *m = &mappings[i];
		const char *separator = "";

		printf("  {\"start\": \"0x%lx\", \"end\": \"0x%lx\", ", m->start, m->end);
		printf("\"prot\": \"%s\", \"seals\": [", prot_text(m->prot));
		for (size_t bit = 0; bit < ARRAY_SIZE(seal_names); bit++) {
			if (!(m->seals & 1U << bit))
				continue;
			printf("%s\"%s\"", separator, seal_names[bit]);
			separator = ", ";
		}
		printf("], \"name\": ");
		print_json_string(m->name);
		printf("}%s\n", i + 1 < nr_mappings ? "," : "");
	}
	puts("]");
	return EXIT_OK;
}

static void print_mapping(const struct mapping *m)
{
	/* Sealed in all respects, in some, writable and executable. */
	const char *start = "", *stop = colour ? "\033[0m" : "";

	if (!colour)
		;
	else if ((m->prot & (PROT_W | PROT_X)) == (PROT_W | PROT_X))
		start = "\033[31m";
	else if ((m->seals & (SEAL_MAP | SEAL_PROT)) == (SEAL_MAP | SEAL_PROT))
		start = "\033[32m";
	else if (m->seals)
		start = "\033[33m";

	printf("%s%012lx-%012lx %s %-21s ", start, m->start, m->end, prot_text(m->prot),
	       seals_text(m->seals));
	print_name(m->name);
	printf("%s\n", stop);
}

static int show(void)
{
	for (size_t i = 0; i < nr_mappings; i++)
		print_mapping(&mappings[i]);
	return EXIT_OK;
}

/*
 * --explain
 */

/* Does mseal() of this kernel know flags? Set before the first find_rule(). */
static bool kernel_has_flags;

static const struct rule *find_rule(const char *name)
{
	if (!kernel_has_flags) {
		for (size_t i = 0; i < ARRAY_SIZE(rules_without_flags); i++) {
			if (!strcmp(rules_without_flags[i].name, name))
				return &rules_without_flags[i];
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (!strcmp(rules[i].name, name))
			return &rules[i];
	}
	return NULL;
}

/* The rule for a call, or for an operation by its own name. */
static const struct rule *rule_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (!strcasecmp(calls[i].name, name))
			return find_rule(calls[i].rule);
	}
	return find_rule(name);
}

/* Private anonymous memory. System mappings have no file either. */
static bool is_anonymous(const struct mapping *m)
{
	static const char *const special[] = {
		"[vdso]", "[vvar", "[vsyscall]", "[uprobes]", "[sigpage]", "[vectors]",
	};

	if (m->file || (m->prot & PROT_S))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(special); i++) {
		if (!strncmp(m->name, special[i], strlen(special[i])))
			return false;
	}
	return true;
}

enum answer { PERMITTED, REFUSED, DEPENDS };

/* Does the mapping permit it, to a thread of its own process? @by: the seals that do not. */
static enum answer ask(const struct mapping *m, const struct rule *rule, unsigned int *by)
{
	*by = m->seals & rule->always;
	if (*by)
		return REFUSED;

	*by = m->seals & rule->unless_writable;
	if (!*by || (*by == SEAL_DISCARD_WEAK && !is_anonymous(m)))
		return PERMITTED;
	if (*by & SEAL_DISCARD)
		*by = SEAL_DISCARD;
	/* A shadow stack counts, unless only the weak discard rule asks. */
	if (!(m->prot & PROT_W) || (m->shadow_stack && *by != SEAL_DISCARD_WEAK))
		return REFUSED;

	return m->pkey ? DEPENDS : PERMITTED;
}

static const struct mapping *find_refusing(unsigned long start, unsigned long end,
					   const struct rule *rule, enum answer *answer,
					   unsigned int *by)
{
	const struct mapping *depends = NULL;
	unsigned int depends_by = 0;

	for (size_t i = 0; i < nr_mappings; i++) {
		const struct mapping *m = &mappings[i];

		if (m->end <= start || m->start >= end)
			continue;
		*answer = ask(m, rule, by);
		if (*answer == REFUSED)
			return m;
		if (*answer == DEPENDS && !depends) {
			depends = m;
			depends_by = *by;
		}
	}
	*answer = depends ? DEPENDS : PERMITTED;
	*by = depends_by;
	return depends;
}

/* What can be done to all of the range instead, each operation by its usual call. */
static void print_permitted(unsigned long start, unsigned long end)
{
	static const char *const usual[] = {
		"munmap", "mremap", "mprotect", "MADV_DONTNEED", "MADV_DONTFORK",
		"MADV_GUARD_INSTALL", "UFFDIO_COPY",
	};
	const char *separator = "";
	enum answer answer;
	unsigned int by;

	printf("permitted:  ");
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
		find_refusing(start, end, rule_of(usual[i]), &answer, &by);
		if (answer != PERMITTED)
			continue;
		printf("%s%s", separator, usual[i]);
		separator = ", ";
	}
	puts(*separator ? "" : "none of the others either");
}

static _Noreturn void unknown_operation(const char *name)
{
	fprintf(stderr, "sealmap: no such operation: %s; there are:\n", name);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		fprintf(stderr, "%s%s", calls[i].name,
			i + 1 == ARRAY_SIZE(calls) ? "\n" : i % 6 == 5 ? ",\n" : ", ");
	exit(EXIT_ERROR);
}

static int explain(unsigned long start, unsigned long len, const char *operation)
{
	const struct rule *rule;
	const unsigned long page = sysconf(_SC_PAGESIZE);
	unsigned long end = start + len;
	const struct mapping *m;
	enum answer answer;
	unsigned int by;
	bool mapped = false;

	kernel_has_flags = !syscall(__NR_mseal, NULL, 0, SEAL_MAP);
	rule = rule_of(operation);
	if (!rule)
		unknown_operation(operation);
	if (end < start)
		die("the range 0x%lx + 0x%lx is beyond the address space", start, len);
	start &= -page;
	end = (end + page - 1) & -page;

	for (size_t i = 0; i < nr_mappings; i++)
		mapped |= mappings[i].start < end && mappings[i].end > start;
	if (!mapped) {
		printf("permitted: %s: nothing is mapped in 0x%lx-0x%lx\n", operation, start, end);
		return EXIT_OK;
	}

	m = find_refusing(start, end, rule, &answer, &by);
	switch (answer) {
	case PERMITTED:
		printf("permitted: %s: no seal in 0x%lx-0x%lx refuses it\n", operation,
		       start, end);
		return EXIT_OK;
	case DEPENDS:
		printf("depends: %s: refused to a thread whose protection keys deny writing\n",
		       operation);
		break;
	case REFUSED:
		printf("refused: %s\n", operation);
		break;
	}
	printf("mapping:    ");
	print_mapping(m);
	printf("refused by: %s\n", seals_text(by));
	printf("rule:       %s: %s\n", rule->name, by & rule->always ?
	       "any caller" :
	       by == SEAL_DISCARD_WEAK ?
	       "callers that cannot write to private anonymous memory" :
	       "callers that cannot write to the mapping");
	if (answer == DEPENDS)
		printf("key:        %u\n", m->pkey);
	print_permitted(start, end);
	return answer == REFUSED ? EXIT_NO : EXIT_DEPENDS;
}

/*
 * --audit
 */

static bool is_system(const struct mapping *m)
{
	return !strcmp(m->name, "[vdso]") || !strncmp(m->name, "[vvar", 5);
}

/* Is it a part of a program or of a shared object? One of the parts is executable. */
static bool is_object(const struct mapping *m)
{
	if (!m->file || !m->name[0])
		return false;
	for (size_t i = 0; i < nr_mappings; i++) {
		if ((mappings[i].prot & PROT_X) && !strcmp(mappings[i].name, m->name))
			return true;
	}
	return false;
}

/* What is it, and which seals should it have? NULL if none. */
static const char *expected(const struct mapping *m, const char *program,
			    unsigned int *seals)
{
	if (is_system(m)) {
		*seals = SEAL_MAP | SEAL_PROT;
		return "system mapping";
	}
	if ((m->prot & (PROT_W | PROT_S)) || !is_object(m))
		return NULL;

	/* A shared object may be unloaded, the program is not. */
	*seals = SEAL_PROT | SEAL_DISCARD;
	if (program && !strcmp(m->name, program))
		*seals |= SEAL_MAP;
	if (m->prot & PROT_X)
		return "text";
	return m->copied ? "RELRO" : "read-only data";
}

static int audit(pid_t pid)
{
	char path[64], program[PATH_MAX];
	unsigned int nr = 0, missing = 0;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	len = readlink(path, program, sizeof(program) - 1);
	program[len < 0 ? 0 : len] = '\0';

	for (size_t i = 0; i < nr_mappings; i++) {
		const struct mapping *m = &mappings[i];
		unsigned int want = 0;
		const char *what = expected(m, program[0] ? program : NULL, &want);

		if ((m->prot & (PROT_W | PROT_X)) == (PROT_W | PROT_X)) {
			missing++;
			printf("%-15s %-21s ", "write+execute", "-");
			print_mapping(m);
			continue;
		}
		if (!what)
			continue;
		nr++;
		if (!(want & ~m->seals))
			continue;
		missing++;
		printf("%-15s %-21s ", what, seals_text(want & ~m->seals));
		print_mapping(m);
	}
	if (missing)
		printf("%u mappings; the second column has the seals that are missing\n", missing);
	else
		printf("all %u mappings of code, read-only data and the system are sealed\n", nr);
	return missing ? EXIT_NO : EXIT_OK;
}

/* Run a program, and look at it when it exits: everything is loaded then. */
static int audit_program(char **argv)
{
	int status, result = -1;
	pid_t pid = fork();

	if (pid < 0)
		die("cannot fork: %s", strerror(errno));
	if (!pid) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			die("cannot be traced: %s", strerror(errno));
		execvp(argv[0], argv);
		die("cannot run %s: %s", argv[0], strerror(errno));
	}

	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		exit(EXIT_ERROR);	/* It has said why. */
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL))
		die("cannot trace %s: %s", argv[0], strerror(errno));

	for (int sig = 0;;) {
		if (ptrace(PTRACE_CONT, pid, NULL, sig))
			die("cannot go on with %s: %s", argv[0], strerror(errno));
		if (waitpid(pid, &status, 0) != pid)
			die("lost %s: %s", argv[0], strerror(errno));
		if (!WIFSTOPPED(status))
			break;
		sig = WSTOPSIG(status);
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8)) {
			read_mappings(pid, true);
			result = audit(pid);
			sig = 0;
		} else if (sig == SIGTRAP) {
			sig = 0;	/* Another exec. */
		}
	}
	if (result < 0)
		die("%s was killed before it could be looked at", argv[0]);
	return result;
}

/*
 * --watch
 */

static char instance[PATH_MAX];

static void remove_instance(void)
{
	if (instance[0])
		rmdir(instance);
}

static void on_signal(int sig)
{
	remove_instance();
	_exit(128 + sig);
}

static void put(const char *file, const char *text)
{
	char path[PATH_MAX + 64];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", instance, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die("cannot write %s to %s: %s", text, path, strerror(errno));
	close(fd);
}

static const char *find_tracefs(void)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/events/mseal/mseal_refused", places[i]);
		if (!access(path, F_OK))
			return places[i];
		if (errno == EACCES)
			die("%s: %s; tracing takes root", places[i], strerror(errno));
		snprintf(path, sizeof(path), "%s/events", places[i]);
		if (!access(path, F_OK))
			die("this kernel has no trace event mseal_refused");
	}
	die("tracefs is not mounted: mount -t tracefs nodev /sys/kernel/tracing");
}

/* The system call, where this machine's number is known here. */
static const char *syscall_name(long nr)
{
	switch (nr) {
#define CALL(name)	case __NR_##name: return #name
	CALL(brk);
	CALL(ioctl);
	CALL(madvise);
	CALL(mmap);
	CALL(mprotect);
	CALL(mremap);
	CALL(munmap);
	CALL(getsockopt);
#ifdef __NR_pkey_mprotect
	CALL(pkey_mprotect);
#endif
#ifdef __NR_process_madvise
	CALL(process_madvise);
#endif
#ifdef __NR_remap_file_pages
	CALL(remap_file_pages);
#endif
#ifdef __NR_shmat
	CALL(shmat);
	CALL(shmdt);
#endif
#undef CALL
	}
	return NULL;
}

/*
 * The task of a line of trace_pipe, "prog-71". ftrace may not know the name yet and prints
 * "<...>-71"; /proc has it as long as the task is there, a zombie included.
 */
static void task_of(const char *line, char *task, size_t size)
{
	char path[64], comm[64];
	ssize_t len;
	int fd, pid;

	line += strspn(line, " ");
	len = strcspn(line, "[");
	while (len && line[len - 1] == ' ')
		len--;
	snprintf(task, size, "%.*s", (int)len, line);

	if (sscanf(task, "<...>-%d", &pid) != 1)
		return;
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, comm, sizeof(comm));
	if (fd >= 0)
		close(fd);
	if (len > 1)
		snprintf(task, size, "%.*s-%d", (int)len - 1, comm, pid);
}

/* One line of trace_pipe: "  prog-71  [000] ..... 1.234: mseal_refused: op=unmap ...". */
static void print_event(char *line)
{
	char *event = strstr(line, "mseal_refused: "), op[32], seals[64], by[64];
	unsigned long start, end, vma_start, vma_end;
	const char *call;
	char prot[8], task[128];
	int nr;

	if (!event)
		event = strstr(line, "forced_write_refused: ");
	if (!event)
		return;
	task_of(line, task, sizeof(task));
	/* A forced write has other fields. */
	if (sscanf(event,
		   "mseal_refused: op=%31s nr=%d start=0x%lx end=0x%lx vma=0x%lx-0x%lx prot=%7s seals=%63s refused_by=%63s",
		   op, &nr, &start, &end, &vma_start, &vma_end, prot, seals, by) != 9) {
		printf("%s: %s", task, event);
		return;
	}
	call = syscall_name(nr);
	printf("%s: %s%s%s of 0x%lx-0x%lx was refused by %s; ", task, op,
	       call ? " by " : "", call ? call : "", start, end, by);
	printf("the mapping is 0x%lx-0x%lx %s, sealed %s\n", vma_start, vma_end, prot, seals);
}

/* @start: a pipe; the process waits for a byte in it. Below 0 if it runs already. */
static int watch_process(pid_t pid, int start)
{
	const char *tracefs = find_tracefs();
	char path[PATH_MAX + 64], text[64], *line = NULL;
	size_t size = 0;
	struct pollfd fds[2];
	FILE *pipe;
	int fd;

	fds[1].fd = syscall(SYS_pidfd_open, pid, 0);
	if (fds[1].fd < 0)
		die("cannot watch process %d: %s", pid, errno == ESRCH ?
		    "there is no such process" : strerror(errno));
	fds[1].events = POLLIN;

	snprintf(instance, sizeof(instance), "%s/instances/sealmap.%d", tracefs, getpid());
	if (mkdir(instance, 0700)) {
		int err = errno;

		instance[0] = '\0';
		die("cannot make a trace instance in %s: %s", tracefs, strerror(err));
	}
	atexit(remove_instance);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGPIPE, on_signal);

	/* The process is the one whose memory it is, not the one that does the call. */
	snprintf(text, sizeof(text), "owner == %d", pid);
	put("events/mseal/mseal_refused/filter", text);
	put("events/mseal/forced_write_refused/filter", text);
	put("events/mseal/mseal_refused/enable", "1");
	put("events/mseal/forced_write_refused/enable", "1");

	snprintf(path, sizeof(path), "%s/trace_pipe", instance);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	pipe = fd < 0 ? NULL : fdopen(fd, "r");
	if (!pipe)
		die("cannot open %s: %s", path, strerror(errno));
	if (start < 0)
		fprintf(stderr, "sealmap: refusals of process %d:\n", pid);
	else if (write(start, "", 1) != 1)
		die("cannot start the program: %s", strerror(errno));

	fds[0].fd = fd;
	fds[0].events = POLLIN;
	do {
		if (poll(fds, 2, -1) < 0)
			break;
		while (getline(&line, &size, pipe) > 0)
			print_event(line);
		clearerr(pipe);
		fflush(stdout);
	} while (!(fds[1].revents & POLLIN));

	free(line);
	fclose(pipe);
	return EXIT_OK;
}

/* Run a program, and watch it from its first instruction on. */
static int watch_program(char **argv)
{
	int fds[2], result;
	pid_t pid;
	char c;

	if (pipe2(fds, O_CLOEXEC))
		die("cannot make a pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("cannot fork: %s", strerror(errno));
	if (!pid) {
		close(fds[1]);
		/* Nothing comes if the events cannot be had. */
		if (read(fds[0], &c, 1) != 1)
			_exit(EXIT_ERROR);
		execvp(argv[0], argv);
		fprintf(stderr, "sealmap: cannot run %s: %s\n", argv[0], strerror(errno));
		_exit(EXIT_ERROR);
	}
	close(fds[0]);
	result = watch_process(pid, fds[1]);
	waitpid(pid, NULL, 0);
	return result;
}

static _Noreturn void usage(int status)
{
	fprintf(status ? stderr : stdout,
		"Usage: sealmap [--json] PID                     what is sealed\n"
		"       sealmap --explain PID ADDR LEN OPERATION would it be refused, and why?\n"
		"       sealmap --audit PID                      what should be sealed and is not\n"
		"       sealmap --audit -- PROGRAM [ARG...]      the same, when PROGRAM exits\n"
		"       sealmap --watch PID                      refusals, as they happen\n"
		"       sealmap --watch -- PROGRAM [ARG...]      those of PROGRAM\n"
		"PID can be \"self\". Exit status: 0; 1 if refused, or not sealed; 2 for an error;\n"
		"3 if the answer depends on protection keys.\n");
	exit(status);
}

static pid_t parse_pid(const char *text)
{
	char *end;
	long pid;

	if (!strcmp(text, "self"))
		return getpid();
	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno || *end || end == text || pid <= 0 || pid > INT_MAX)
		die("not a process ID: %s", text);
	return pid;
}

static unsigned long parse_number(const char *text, const char *what)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 0);
	if (errno || *end || end == text || *text == '-')
		die("not %s: %s", what, text);
	return value;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "explain", no_argument, NULL, 'e' },
		{ "audit", no_argument, NULL, 'a' },
		{ "watch", no_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	bool json = false, dashes;
	int option, mode = 0;
	pid_t pid;

	while ((option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			json = true;
			break;
		case 'e':
		case 'a':
		case 'w':
			if (mode)
				die("--explain, --audit and --watch exclude each other");
			mode = option;
			break;
		case 'h':
			usage(EXIT_OK);
		default:
			usage(EXIT_ERROR);
		}
	}
	dashes = !strcmp(argv[optind - 1], "--");
	argv += optind;
	argc -= optind;
	if (json && mode)
		die("--json is for the map only");
	colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");

	if (mode == 'a' && dashes && argc)
		return audit_program(argv);
	if (mode == 'w' && dashes && argc)
		return watch_program(argv);
	if (argc != (mode == 'e' ? 4 : 1))
		usage(EXIT_ERROR);

	pid = parse_pid(argv[0]);
	if (mode == 'w')
		return watch_process(pid, -1);
	read_mappings(pid, mode);
	switch (mode) {
	case 'e':
		return explain(parse_number(argv[1], "an address"),
			       parse_number(argv[2], "a length"), argv[3]);
	case 'a':
		return audit(pid);
	}
	return json ? show_json() : show();
}
