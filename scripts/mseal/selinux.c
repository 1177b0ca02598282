// SPDX-License-Identifier: GPL-2.0
/*
 * The part of tests/selinux that runs in the guest: loads policies, changes the
 * domain, runs programs in it and looks for the records in the kernel log. TAP.
 * Uses only selinuxfs and /proc/self/attr, no library.
 *
 *	selinux load FILE loaded|refused UNDEFINED
 *		load a policy in one write; check that the kernel log names so many
 *		permissions that it allows because the policy does not define them
 *	selinux enforce 0|1
 *	selinux seal CONTEXT allow|deny|permissive
 *		mseal() in that domain
 *	selinux record CONTEXT deny|permissive
 *		a write through /proc/self/mem: all fields of its record
 *	selinux opener OPENER WRITER allow|deny none|current|opener|both
 *		write in one domain through a descriptor that another opened: which
 *		of them is checked, and of which a record tells
 *	selinux attach seize|traceme TRACER WRITER allow|deny none|current|opener
 *		attach in one domain, then execute a program in another that pokes
 *	selinux poke PID ADDRESS
 *		what that program does
 *	selinux mmap-zero CONTEXT allow|deny
 *		map a low address in that domain
 *	selinux run LABEL deny|permissive ORIGIN[,ORIGIN...]|none CONTEXT PROGRAM [ARG...]
 *		run PROGRAM, which reports by itself; check that the log then has
 *		records of these origins, by CONTEXT, and no others
 *	selinux enter CONTEXT PROGRAM [ARG...]
 *		only run PROGRAM in a domain, which is entered by exec
 *	selinux race ALLOW DENY CONTEXT
 *		fill by userfaultfd while one policy replaces the other
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef __NR_mseal
#define __NR_mseal 462
#endif
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

#define SELINUXFS	"/sys/fs/selinux"
#define RECORD_SECONDS	20	/* for a record that comes, on a busy machine */
#define MAX_RECORDS	65536

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static unsigned long page_size;
static const char *label = "";
static int tests, failures;

static void result(bool ok, const char *fmt, ...)
{
	va_list ap;

	failures += !ok;
	printf("%sok %d - %s: ", ok ? "" : "not ", ++tests, label);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

static int finish(void)
{
	printf("1..%d\n", tests);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The test cannot go on. */
static void __attribute__((noreturn)) die(const char *fmt, ...)
{
	const char *why = strerror(errno);
	va_list ap;

	printf("not ok %d - %s: cannot set up: ", ++tests, label);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(" (%s)\n1..%d\n", why, tests);
	fflush(stdout);
	_exit(EXIT_FAILURE);
}

static int mseal(void *addr, size_t len, unsigned long flags)
{
	return syscall(__NR_mseal, addr, len, flags);
}

/* Write all of it by one write(), as both files require. Returns errno. */
static int write_file(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_RDWR);
	int error = 0;
	ssize_t n;

	if (fd < 0)
		return errno;
	n = write(fd, data, len);
	if (n < 0)
		error = errno;
	else if ((size_t)n != len)
		error = EIO;
	close(fd);
	return error;
}

static int read_number(const char *path)
{
	char text[16] = "";
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return -1;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return text[0] ? atoi(text) : -1;
}

static int set_enforcing(int on)
{
	return write_file(SELINUXFS "/enforce", on ? "1" : "0", 1);
}

static void enter(const char *context)
{
	int error = write_file("/proc/self/attr/current", context, strlen(context) + 1);

	if (error) {
		errno = error;
		die("enter %s", context);
	}
}

/* The domain of the program that the next execv() runs. */
static void enter_by_exec(const char *context)
{
	int error = write_file("/proc/self/attr/exec", context, strlen(context) + 1);

	if (error) {
		errno = error;
		die("exec in %s", context);
	}
}

static void setup(void)
{
	page_size = sysconf(_SC_PAGESIZE);
	if (mount("selinuxfs", SELINUXFS, "selinuxfs", 0, NULL) && errno != EBUSY)
		die("mount selinuxfs: is SELinux built in and in CONFIG_LSM?");
	/* The default limit is ten lines in five seconds, too few for the records. */
	errno = write_file("/proc/sys/kernel/printk_ratelimit", "0", 1);
	if (errno)
		die("kernel.printk_ratelimit");
}

/*
 * Records. They go from a queue to a thread to the log at no known time, but they
 * stay in order: once the log has the record of a later event, it has all records
 * from before. A change of the mode is used as the later event.
 */
static int kmsg = -1;
static char *records[MAX_RECORDS];
static unsigned int nr_records;

static void log_begin(void)
{
	if (kmsg < 0)
		kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg < 0 || lseek(kmsg, 0, SEEK_END) < 0)
		die("/dev/kmsg");
}

static void records_begin(void)
{
	log_begin();
	while (nr_records)
		free(records[--nr_records]);
}

/* Read up to the record of the second change of the mode; keep those of memprotect. */
static void records_end(void)
{
	int mode = read_number(SELINUXFS "/enforce"), changes = 0;
	struct pollfd poll_kmsg = { .fd = kmsg, .events = POLLIN };
	time_t deadline = time(NULL) + RECORD_SECONDS;
	char line[8192];
	ssize_t n;

	if (mode < 0 || set_enforcing(!mode) || set_enforcing(mode))
		die("change the mode");
	while (changes < 2) {
		n = read(kmsg, line, sizeof(line) - 1);
		if (n < 0 && errno == EAGAIN) {
			if (time(NULL) > deadline)
				die("no record of a change of the mode in %d s", RECORD_SECONDS);
			poll(&poll_kmsg, 1, 1000);
			continue;
		}
		if (n < 0)
			die("/dev/kmsg: records were lost");
		line[n] = '\0';
		if (strstr(line, "audit_lost="))
			die("audit lost records");
		if (strstr(line, "enforcing=") && strstr(line, "old_enforcing="))
			changes++;
		if (strstr(line, "avc:") && strstr(line, "tclass=memprotect")) {
			if (nr_records == MAX_RECORDS)
				die("more than %d records", MAX_RECORDS);
			*strchrnul(line, '\n') = '\0';
			records[nr_records++] = strdup(strstr(line, "avc:"));
		}
	}
}

/* Does the record have " NAME=VALUE", followed by a space or its end? */
static bool has(const char *record, const char *fmt, ...)
{
	char field[512];
	const char *at;
	va_list ap;

	field[0] = ' ';
	va_start(ap, fmt);
	vsnprintf(field + 1, sizeof(field) - 1, fmt, ap);
	va_end(ap);
	for (at = record; (at = strstr(at, field)); at++)
		if (strchr(" ", at[strlen(field)]))
			return true;
	return false;
}

static bool field(const char *record, const char *name, char *value, size_t size)
{
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), " %s=", name);
	at = strstr(record, key);
	if (!at)
		return false;
	at += strlen(key);
	snprintf(value, size, "%.*s", (int)strcspn(at, " "), at);
	return true;
}

static unsigned long number(const char *record, const char *name)
{
	char value[64];

	return field(record, name, value, sizeof(value)) ? strtoul(value, NULL, 0) : 0;
}

static void show_records(void)
{
	unsigned int i;

	for (i = 0; i < nr_records; i++)
		printf("# %s\n", records[i]);
}

/* The name of each origin, and the permission that it takes. */
static const struct {
	const char *name;
	const char *permission;
} origins[] = {
	{ "proc-mem",		"sealed_write_debug" },
	{ "ptrace",		"sealed_write_debug" },
	{ "process-vm",		"sealed_write_vm" },
	{ "uprobe",		"sealed_write_uprobe" },
	{ "uffd-register",	"sealed_write_uffd" },
	{ "uffd-copy",		"sealed_write_uffd" },
	{ "uffd-zeropage",	"sealed_write_uffd" },
	{ "uffd-continue",	"sealed_write_uffd" },
	{ "uffd-poison",	"sealed_write_uffd" },
	{ "uffd-move-from",	"sealed_write_uffd" },
	{ "uffd-move-to",	"sealed_write_uffd" },
};

/* Index in origins[], or -1: the record is not one of a forced write. */
static int origin_of(const char *record)
{
	char name[64], wanted[128];
	unsigned int i;

	if (!field(record, "via", name, sizeof(name)))
		return -1;
	for (i = 0; i < ARRAY_SIZE(origins); i++) {
		if (strcmp(name, origins[i].name))
			continue;
		snprintf(wanted, sizeof(wanted), "{ %s }", origins[i].permission);
		return strstr(record, wanted) ? (int)i : -1;
	}
	return -1;
}

/* Are the seals named in order, each once? */
static bool seals_in_order(const char *record)
{
	static const char * const known[] = {
		"map", "prot", "discard", "map,prot", "map,discard",
		"prot,discard", "map,prot,discard",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (has(record, "seals=%s", known[i]))
			return true;
	return false;
}

static bool in_list(const char *list, const char *word)
{
	size_t len = strlen(word);
	const char *at;

	for (at = list; (at = strstr(at, word)); at++)
		if ((at == list || at[-1] == ',') && strchr(",", at[len]))
			return true;
	return false;
}

/* Does the record have all fields, in order, and no others? */
static bool all_fields(const char *record)
{
	static const char * const names[] = {
		"via", "checked", "start", "end", "seals", "path", "dev", "ino",
		"scontext", "tcontext", "tclass", "permissive",
	};
	const char *at = strstr(record, " via=");
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		size_t len = strlen(names[i]);

		if (!at || *at != ' ' || strncmp(at + 1, names[i], len) || at[1 + len] != '=')
			return false;
		at += 1 + len;
		at += strcspn(at, " ");
	}
	return !*at;
}

static bool names_no_file(const char *record)
{
	return has(record, "path=?") && has(record, "dev=?") && has(record, "ino=?");
}

/* A path with a blank in it, as in "/memfd:victim (deleted)", is in hexadecimal. */
static bool names_a_file(const char *record)
{
	return (strstr(record, " path=\"/") || strstr(record, " path=2F")) &&
	       strstr(record, " dev=\"") && number(record, "ino");
}

/* @checked: "current" or "opener" */
static bool well_formed_as(const char *record, const char *checked, const char *context,
			   bool permissive)
{
	return all_fields(record) && has(record, "checked=%s", checked) &&
	       number(record, "start") && number(record, "start") < number(record, "end") &&
	       seals_in_order(record) &&
	       has(record, "scontext=%s", context) && has(record, "tcontext=%s", context) &&
	       has(record, "permissive=%d", permissive) &&
	       names_no_file(record) != names_a_file(record);
}

static bool well_formed(const char *record, const char *context, bool permissive)
{
	return well_formed_as(record, "current", context, permissive);
}

static int run_program(char **argv)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child < 0)
		die("fork");
	if (!child) {
		execv(argv[0], argv);
		die("%s", argv[0]);
	}
	if (waitpid(child, &status, 0) != child)
		die("wait for %s", argv[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int cmd_run(char **argv)
{
	bool permissive = !strcmp(argv[1], "permissive");
	const char *wanted = argv[2], *context = argv[3];
	unsigned int i, k, found, count[ARRAY_SIZE(origins)] = {};
	unsigned int strange = 0, paths = 0;
	int status, origin;

	label = argv[0];
	records_begin();
	status = run_program(argv + 4);
	records_end();
	result(status == 0, "%s ended with %d", argv[4], status);
	for (i = 0; i < nr_records; i++) {
		origin = origin_of(records[i]);
		if (origin < 0 || !in_list(wanted, origins[origin].name) ||
		    !well_formed(records[i], context, permissive)) {
			printf("# wrong: %s\n", records[i]);
			strange++;
			continue;
		}
		/* Print one of each. */
		if (!count[origin]++)
			printf("# %s\n", records[i]);
		paths += names_a_file(records[i]);
	}
	for (i = 0; i < ARRAY_SIZE(origins); i++) {
		if (!in_list(wanted, origins[i].name))
			continue;
		/* With permissive only the first use of a permission makes one. */
		for (k = found = 0; k < ARRAY_SIZE(origins); k++)
			if (k == i || (permissive &&
				       !strcmp(origins[k].permission, origins[i].permission)))
				found += count[k];
		result(found, "record of %s%s", permissive ? "the permission of " : "",
		       origins[i].name);
	}
	result(!strange, "no other record, %u wrong of %u", strange, nr_records);
	if (in_list(wanted, "proc-mem") && !permissive)
		result(paths, "records that name a file: %u", paths);
	return finish();
}

/* Permissions that the log says are allowed, of a load that has returned */
static int count_undefined(void)
{
	char line[8192];
	int count = 0;
	ssize_t n;

	while ((n = read(kmsg, line, sizeof(line) - 1)) > 0) {
		line[n] = '\0';
		count += !!strstr(line, "in class memprotect not defined in policy, allowed.");
	}
	if (n < 0 && errno != EAGAIN)
		die("/dev/kmsg: records were lost");
	return count;
}

static int cmd_load(char **argv)
{
	bool refused = !strcmp(argv[1], "refused");
	int undefined = atoi(argv[2]);
	struct stat st;
	int fd, error, seen;
	void *data;

	label = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	fd = open(argv[0], O_RDONLY);
	if (fd < 0 || fstat(fd, &st))
		die("%s", argv[0]);
	data = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (data == MAP_FAILED)
		die("%s", argv[0]);
	log_begin();
	error = write_file(SELINUXFS "/load", data, st.st_size);
	seen = count_undefined();
	if (refused)
		result(error == EINVAL, "refused: %s", strerror(error));
	else
		result(!error, "loaded: %s", strerror(error));
	result(seen == undefined, "the log names %d permissions that it lacks, %d wanted",
	       seen, undefined);
	return finish();
}

static int cmd_mmap_zero(char **argv)
{
	bool deny = !strcmp(argv[1], "deny");
	void *p;

	label = argv[0];
	enter(argv[0]);
	p = mmap((void *)page_size, page_size, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	result(deny ? p == MAP_FAILED && errno == EACCES : p == (void *)page_size,
	       "mmap() of a low address: %s, %s wanted", p == MAP_FAILED ? strerror(errno) : "done",
	       deny ? "Permission denied" : "done");
	return finish();
}

static int cmd_enforce(char **argv)
{
	int error = set_enforcing(atoi(argv[0]));

	label = "enforce";
	result(!error && read_number(SELINUXFS "/enforce") == atoi(argv[0]),
	       "%s: %s", argv[0], strerror(error));
	return finish();
}

/* mseal() */

#define SEAL_FILE	"/tmp/selinux-text"
#define SEALER		"user_u:base_r:base_t"	/* every policy here has it */

static const struct {
	unsigned long flags;
	const char *name;
} seals[] = {
	{ 0, "map,prot" },
	{ 1, "map" },
	{ 2, "prot" },
	{ 4, "discard" },
	{ 7, "map,prot,discard" },
};

/* Three VMAs: anonymous, read-only; a private file; anonymous, read and write. */
static char *map_three(struct stat *st)
{
	int fd = open(SEAL_FILE, O_RDWR | O_CREAT, 0755);
	char *p;

	if (fd < 0 || ftruncate(fd, 4 * page_size) || fstat(fd, st))
		die(SEAL_FILE);
	p = mmap(NULL, 5 * page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED ||
	    mprotect(p, page_size, PROT_READ) ||
	    mmap(p + page_size, 3 * page_size, PROT_READ | PROT_EXEC,
		 MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED ||
	    mprotect(p + 4 * page_size, page_size, PROT_READ | PROT_WRITE))
		die("map");
	close(fd);
	return p;
}

/* What a child reports about its mappings */
struct tried {
	unsigned long where;
	struct stat st;
};

static void *shared_page(void)
{
	void *p = mmap(NULL, page_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("map");
	return p;
}

/* True in the child. In the parent the child has ended and its records are read. */
static bool fork_recorded(int *status)
{
	pid_t child;

	records_begin();
	fflush(stdout);
	child = fork();
	if (child < 0)
		die("fork");
	if (!child)
		return true;
	if (waitpid(child, status, 0) != child)
		die("wait");
	records_end();
	return false;
}

/* In a child, because the domain and the seals stay. Returns bits for what failed. */
static int try_seal(const char *context, bool allowed, unsigned long flags,
		    struct tried *tried)
{
	char *p = map_three(&tried->st), *file = p + page_size;
	int wrong = 0;

	tried->where = (unsigned long)p;
	enter(context);
	/* These seal nothing, so the policy is not asked. */
	if (mseal(NULL, 0, flags))
		wrong |= 1;
	if (mseal(p, page_size, 0x20) == 0 || errno != EINVAL)
		wrong |= 2;
	/* A part of the file's mapping, then everything */
	if (!allowed) {
		if (mseal(file + page_size, page_size, flags) == 0 || errno != EPERM)
			wrong |= 4;
		if (mseal(p, 5 * page_size, flags) == 0 || errno != EPERM)
			wrong |= 8;
		if (mprotect(p, 5 * page_size, PROT_READ) ||
		    madvise(p, page_size, MADV_DONTNEED) || munmap(p, 5 * page_size))
			wrong |= 16;
		return wrong;
	}
	if (mseal(file + page_size, page_size, flags) || mseal(p, 5 * page_size, flags))
		wrong |= 32;
	if ((!flags || flags & 2) && (!mprotect(p, page_size, PROT_NONE) || errno != EPERM))
		wrong |= 64;
	if ((!flags || flags & 1) && (!munmap(p, page_size) || errno != EPERM))
		wrong |= 128;
	return wrong;
}

static bool seal_record(const char *record, const char *context, bool permissive,
			unsigned long start, unsigned long end, const char *names,
			const struct stat *st)
{
	if (!strstr(record, "{ seal }") || !has(record, "via=mseal") ||
	    number(record, "start") != start || number(record, "end") != end ||
	    !has(record, "seals=%s", names) || !well_formed(record, context, permissive))
		return false;
	if (!st)
		return names_no_file(record);
	return has(record, "path=\"%s\"", SEAL_FILE) && has(record, "dev=\"tmpfs\"") &&
	       has(record, "ino=%lu", st->st_ino);
}

static int cmd_seal(char **argv)
{
	bool deny = !strcmp(argv[1], "deny"), permissive = !strcmp(argv[1], "permissive");
	struct tried *tried;
	unsigned long p, wanted;
	const char *context = argv[0];
	unsigned int i;
	int status;

	label = context;
	tried = shared_page();
	for (i = 0; i < ARRAY_SIZE(seals); i++) {
		if (fork_recorded(&status))
			_exit(try_seal(context, !deny, seals[i].flags, tried));
		result(status == 0, "mseal(%#lx) %s, wait status %#x", seals[i].flags,
		       deny ? "is refused, nothing is sealed" : "seals", status);
		p = tried->where;
		/* Denied: one for each call, for its first VMA. Permissive: one for the first. */
		wanted = deny ? 2 : permissive ? 1 : 0;
		show_records();
		result(nr_records == wanted, "mseal(%#lx): %u records, %lu wanted",
		       seals[i].flags, nr_records, wanted);
		if (wanted && nr_records == wanted)
			result(seal_record(records[0], context, permissive,
					   p + 2 * page_size, p + 3 * page_size,
					   seals[i].name, &tried->st),
			       "mseal(%#lx): the record names seals, range and file",
			       seals[i].flags);
		if (deny && nr_records == wanted)
			result(seal_record(records[1], context, false, p, p + page_size,
					   seals[i].name, NULL),
			       "mseal(%#lx): the record of anonymous memory names no file",
			       seals[i].flags);
	}
	return finish();
}

/* One forced write, and all fields of its record */

static const unsigned char old_byte = 0x11, new_byte = 0x66;

static int try_write(const char *context, bool file, unsigned long flags, bool permissive,
		     struct tried *tried)
{
	char *p = map_three(&tried->st), *target = file ? p + page_size : p;
	size_t len = (file ? 3 : 1) * page_size;
	char *data = malloc(len);
	int mem, wrong = 0;
	ssize_t n;
	size_t i;

	tried->where = (unsigned long)target;
	mem = open("/proc/self/mem", O_RDWR);
	if (mem < 0 || !data)
		die("/proc/self/mem");
	memset(data, old_byte, len);
	if (pwrite(mem, data, len, (off_t)target) != (ssize_t)len)
		die("write what is not sealed yet");
	if (mseal(target, len, flags))
		die("mseal");
	memset(data, new_byte, len);
	enter(context);
	n = pwrite(mem, data, len, (off_t)target);
	if (permissive ? n != (ssize_t)len : n != -1 || errno != EIO)
		wrong |= 1;
	for (i = 0; i < len; i++)
		if ((unsigned char)target[i] != (permissive ? new_byte : old_byte))
			wrong |= 2;
	return wrong;
}

static int cmd_record(char **argv)
{
	bool permissive = !strcmp(argv[1], "permissive"), good;
	const char *context = argv[0], *record;
	struct tried *tried;
	unsigned long start, end;
	unsigned int i;
	int file, status;

	label = context;
	tried = shared_page();
	for (i = 0; i < 2 * ARRAY_SIZE(seals); i++) {
		const char *names = seals[i / 2].name;

		file = i % 2;
		if (fork_recorded(&status))
			_exit(try_write(context, file, seals[i / 2].flags, permissive,
					tried));
		show_records();
		result(status == 0, "%s sealed %s: the write %s, wait status %#x",
		       file ? "text" : "anonymous memory", names,
		       permissive ? "lands" : "is refused", status);
		/* A call is checked page by page, but makes one record. */
		result(nr_records == 1, "%s sealed %s: %u records, 1 wanted",
		       file ? "text" : "anonymous memory", names, nr_records);
		if (nr_records != 1)
			continue;
		record = records[0];
		start = number(record, "start");
		end = number(record, "end");
		good = origin_of(record) == 0 && well_formed(record, context, permissive) &&
		       start == tried->where && end > start &&
		       end <= start + (file ? 3 : 1) * page_size &&
		       has(record, "seals=%s", names);
		if (file)
			good = good && has(record, "path=\"%s\"", SEAL_FILE) &&
			       has(record, "dev=\"tmpfs\"") &&
			       has(record, "ino=%lu", tried->st.st_ino);
		else
			good = good && names_no_file(record);
		result(good, "%s sealed %s: the record names origin, range, seals and %s",
		       file ? "text" : "anonymous memory", names, file ? "file" : "no file");
	}
	return finish();
}

/*
 * A write through a descriptor that another domain opened. The process changes its
 * domain in between, so that the descriptor is of its own memory.
 */

/* What write_opened() returns; not what die() exits with */
enum { LANDED = 10, REFUSED, STRANGE };

/* REFUSED: as documented, and nothing changed */
static int write_opened(const char *opener, const char *writer, bool uffd, struct tried *tried)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_copy copy = {};
	unsigned char resident;
	char *p, *source;
	int fd, ret;

	source = mmap(NULL, page_size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	p = mmap(NULL, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (source == MAP_FAILED || p == MAP_FAILED)
		die("map");
	memset(source, new_byte, page_size);
	tried->where = (unsigned long)p;
	enter(opener);
	if (uffd) {
		fd = syscall(__NR_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
		copy.dst = (unsigned long)p;
		copy.len = page_size;
		reg.range.start = copy.dst;
		reg.range.len = copy.len;
		copy.src = (unsigned long)source;
		if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg))
			die("userfaultfd");
	} else {
		fd = open("/proc/self/mem", O_RDWR);
		if (fd < 0)
			die("/proc/self/mem");
	}
	/* Neither domain needs to be able to seal. */
	enter(SEALER);
	if (mseal(p, page_size, 0))
		die("mseal");
	enter(writer);
	if (uffd)
		ret = ioctl(fd, UFFDIO_COPY, &copy) ? errno : 0;
	else
		ret = pwrite(fd, source, page_size, (off_t)p) == (ssize_t)page_size ? 0 : errno;
	if (!ret)
		return *(unsigned char *)p == new_byte ? LANDED : STRANGE;
	if (ret != (uffd ? EPERM : EIO) || mincore(p, page_size, &resident))
		return STRANGE;
	return resident & 1 ? STRANGE : REFUSED;
}

static int cmd_opener(char **argv)
{
	const char *opener = argv[0], *writer = argv[1], *records_of = argv[3];
	bool deny = !strcmp(argv[2], "deny");
	static const struct {
		const char *name, *record;
	} paths[] = {
		{ "/proc/self/mem", "proc-mem" },
		{ "userfaultfd", "uffd-copy" },
	};
	struct tried *tried = shared_page();
	unsigned int i, k, wanted;
	int status;

	label = opener;
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		bool good = true;

		if (fork_recorded(&status))
			_exit(write_opened(opener, writer, i, tried));
		show_records();
		result(WIFEXITED(status) && WEXITSTATUS(status) == (deny ? REFUSED : LANDED),
		       "%s, written by %s: %s wanted, wait status %#x", paths[i].name, writer,
		       deny ? "refused" : "landed", status);
		wanted = !strcmp(records_of, "none") ? 0 : !strcmp(records_of, "both") ? 2 : 1;
		result(nr_records == wanted, "%s, written by %s: %u records, %u wanted",
		       paths[i].name, writer, nr_records, wanted);
		for (k = 0; k < nr_records && nr_records == wanted; k++) {
			bool by_opener = k || !strcmp(records_of, "opener");
			/* Of two, the first was not the one that refused. */
			bool permissive = !deny || (wanted == 2 && !k);
			int origin = origin_of(records[k]);

			good = good && origin >= 0 &&
			       !strcmp(origins[origin].name, paths[i].record) &&
			       number(records[k], "start") == tried->where &&
			       well_formed_as(records[k], by_opener ? "opener" : "current",
					      by_opener ? opener : writer, permissive);
		}
		if (wanted && nr_records == wanted)
			result(good, "%s, written by %s: the records name %s",
			       paths[i].name, writer, records_of);
	}
	return finish();
}

/*
 * A write by a tracer that attached in another domain. The attachment survives the
 * exec that changed the domain. With PTRACE_TRACEME the tracee attaches, in its domain.
 */

static void exec_poke(const char *writer, pid_t tracee, void *at)
{
	char pid[16], address[32];

	snprintf(pid, sizeof(pid), "%d", tracee);
	snprintf(address, sizeof(address), "%#lx", (unsigned long)at);
	enter_by_exec(writer);
	execl("/proc/self/exe", "selinux", "poke", pid, address, NULL);
	die("exec in %s", writer);
}

static void attach_and_exec(bool traceme, const char *tracer, const char *writer,
			    struct tried *tried)
{
	unsigned long *at;
	int status;
	pid_t tracee;

	enter(SEALER);
	at = mmap(NULL, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		die("map");
	memset(at, old_byte, page_size);
	tried->where = (unsigned long)at;
	if (mprotect(at, page_size, PROT_READ) || mseal(at, page_size, 0))
		die("mseal");
	enter(tracer);
	tracee = fork();
	if (tracee < 0)
		die("fork");
	if (!tracee) {
		if (traceme && (ptrace(PTRACE_TRACEME, 0, 0, 0) || raise(SIGSTOP)))
			die("PTRACE_TRACEME");
		for (;;)
			pause();
	}
	if (!traceme && (ptrace(PTRACE_SEIZE, tracee, 0, 0) ||
			 ptrace(PTRACE_INTERRUPT, tracee, 0, 0)))
		die("PTRACE_SEIZE");
	if (waitpid(tracee, &status, __WALL) != tracee || !WIFSTOPPED(status))
		die("a tracee that stops");
	exec_poke(writer, tracee, at);
}

/* Its exit status is as what write_opened() returns. */
static int cmd_poke(char **argv)
{
	pid_t tracee = atoi(argv[0]);
	unsigned long old, new, now;
	void *at = (void *)strtoul(argv[1], NULL, 0);
	int ret;

	label = "poke";
	memset(&old, old_byte, sizeof(old));
	memset(&new, new_byte, sizeof(new));
	ret = ptrace(PTRACE_POKEDATA, tracee, at, (void *)new) ? errno : 0;
	errno = 0;
	now = ptrace(PTRACE_PEEKDATA, tracee, at, 0);
	if (errno)
		die("PTRACE_PEEKDATA");
	if (kill(tracee, SIGKILL))
		die("kill");
	if (!ret)
		return now == new ? LANDED : STRANGE;
	return ret == EIO && now == old ? REFUSED : STRANGE;
}

static int cmd_attach(char **argv)
{
	bool traceme = !strcmp(argv[0], "traceme");
	const char *tracer = argv[1], *writer = argv[2], *record_of = argv[4];
	bool deny = !strcmp(argv[3], "deny"), by_opener = !strcmp(record_of, "opener");
	unsigned int wanted = !!strcmp(record_of, "none");
	struct tried *tried = shared_page();
	int status, origin;

	label = tracer;
	if (fork_recorded(&status))
		attach_and_exec(traceme, tracer, writer, tried);
	show_records();
	result(WIFEXITED(status) && WEXITSTATUS(status) == (deny ? REFUSED : LANDED),
	       "%s, then poked by %s: %s wanted, wait status %#x", argv[0], writer,
	       deny ? "refused" : "landed", status);
	result(nr_records == wanted, "%s, then poked by %s: %u records, %u wanted", argv[0],
	       writer, nr_records, wanted);
	if (!wanted || nr_records != wanted)
		return finish();
	origin = origin_of(records[0]);
	result(origin >= 0 && !strcmp(origins[origin].name, "ptrace") &&
	       number(records[0], "start") == tried->where &&
	       well_formed_as(records[0], record_of, by_opener ? tracer : writer, !deny),
	       "%s, then poked by %s: the record names %s", argv[0], writer, record_of);
	return finish();
}

/*
 * Fill while the policy changes. A number stands for the current policy; it is odd
 * while that is being replaced. A fill with the same even number before and after
 * had one policy and must have obeyed it.
 */

struct race {
	volatile unsigned int turn;	/* 4n: allowed, 4n + 2: denied */
	volatile bool stop;
	unsigned long landed, refused, wrong;
};

#define RACE_TURNS	20
#define RACE_FILLS	50	/* under each policy, at least */

static void race_fill(struct race *race, const char *context)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_copy copy = {};
	unsigned int before, after;
	int uffd, ret;
	char *p, *source;

	uffd = syscall(__NR_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	p = mmap(NULL, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	source = mmap(NULL, page_size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (uffd < 0 || p == MAP_FAILED || source == MAP_FAILED || ioctl(uffd, UFFDIO_API, &api))
		die("userfaultfd");
	memset(source, new_byte, page_size);
	reg.range.start = copy.dst = (unsigned long)p;
	reg.range.len = copy.len = page_size;
	copy.src = (unsigned long)source;
	/* With MSEAL_MAP the page can be discarded again. */
	if (ioctl(uffd, UFFDIO_REGISTER, &reg) || mseal(p, page_size, 1))
		die("register and seal");
	enter(context);
	while (!race->stop) {
		unsigned char resident;

		before = race->turn;
		__sync_synchronize();
		copy.copy = 0;
		ret = ioctl(uffd, UFFDIO_COPY, &copy) ? errno : 0;
		__sync_synchronize();
		after = race->turn;
		if (mincore(p, page_size, &resident))
			die("mincore");
		/* Either the fill landed and is there, or it was refused and is not. */
		if (ret ? ret != EPERM || resident & 1 : !(resident & 1) || *p != new_byte)
			race->wrong++;
		else if (before == after && !(before & 1) && !ret != !(before & 2))
			race->wrong++;
		if (ret)
			race->refused++;
		else
			race->landed++;
		if (madvise(p, page_size, MADV_DONTNEED))
			die("empty the page");
	}
	_exit(0);
}

/* Wait for more fills under this policy; false if the child has ended. */
static bool race_wait(unsigned long *count, pid_t child)
{
	volatile unsigned long *now = count;
	unsigned long wanted = *now + RACE_FILLS;

	while (*now < wanted) {
		if (waitpid(child, NULL, WNOHANG) != 0)
			return false;
		sched_yield();
	}
	return true;
}

static int cmd_race(char **argv)
{
	const char *context = argv[2];
	struct race *race;
	void *data[2];
	size_t len[2];
	bool alive = true;
	unsigned int i;
	pid_t child;

	label = "race";
	for (i = 0; i < 2; i++) {
		struct stat st;
		int fd = open(argv[i], O_RDONLY);

		if (fd < 0 || fstat(fd, &st))
			die("%s", argv[i]);
		len[i] = st.st_size;
		data[i] = mmap(NULL, len[i], PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
		if (data[i] == MAP_FAILED)
			die("%s", argv[i]);
		close(fd);
	}
	race = shared_page();
	race->turn = 1;
	if (write_file(SELINUXFS "/load", data[0], len[0]))
		die("load %s", argv[0]);
	race->turn = 4;
	fflush(stdout);
	child = fork();
	if (child < 0)
		die("fork");
	if (!child)
		race_fill(race, context);
	for (i = 0; i < RACE_TURNS && alive; i++) {
		bool deny = race->turn & 2;

		alive = race_wait(deny ? &race->refused : &race->landed, child);
		race->turn++;
		__sync_synchronize();
		errno = write_file(SELINUXFS "/load", data[!deny], len[!deny]);
		if (errno)
			die("load %s", argv[!deny]);
		__sync_synchronize();
		race->turn++;
	}
	race->stop = true;
	if (alive)
		waitpid(child, NULL, 0);
	result(alive, "the filling process lived through %u policies", i);
	printf("# %lu fills landed, %lu were refused\n", race->landed, race->refused);
	result(!race->wrong, "every fill obeyed the policy of its time, %lu did not", race->wrong);
	return finish();
}

static const struct {
	const char *name;
	int args;
	int (*run)(char **argv);
} commands[] = {
	{ "load", 3, cmd_load },
	{ "mmap-zero", 2, cmd_mmap_zero },
	{ "enforce", 1, cmd_enforce },
	{ "seal", 2, cmd_seal },
	{ "record", 2, cmd_record },
	{ "opener", 4, cmd_opener },
	{ "attach", 5, cmd_attach },
	{ "poke", 2, cmd_poke },
	{ "run", 5, cmd_run },
	{ "race", 3, cmd_race },
};

int main(int argc, char **argv)
{
	unsigned int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	setup();
	if (argc > 3 && !strcmp(argv[1], "enter")) {
		label = "enter";
		enter_by_exec(argv[2]);
		execv(argv[3], argv + 3);
		die("%s", argv[3]);
	}
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (argc > 1 && !strcmp(argv[1], commands[i].name) &&
		    argc - 2 >= commands[i].args)
			return commands[i].run(argv + 2);
	fprintf(stderr, "usage: see the beginning of scripts/mseal/selinux.c\n");
	return 2;
}
