// SPDX-License-Identifier: GPL-2.0
/*
 * forced_write - a policy by BPF LSM for forced writes, or for mseal()
 *
 * A forced write is one that honours neither the protection nor the seals of a
 * mapping: by /proc/PID/mem, ptrace(), process_vm_writev(), userfaultfd or a
 * uprobe. By default all forced writes to sealed mappings are refused, for every
 * writer. See Documentation/admin-guide/LSM/mseal.rst and 'forced_write --help'.
 *
 * The policy holds while this program runs, and ends with it in any case. With a
 * command, this program ends when the command does. With --pin the policy holds
 * until the file is removed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "forced_write.h"
#include "forced_write.skel.h"

#ifndef CGROUP2_SUPER_MAGIC
#define CGROUP2_SUPER_MAGIC 0x63677270
#endif

/* The same as for timeout(1) and other programs that run a command. */
#define EXIT_FAILED	125
#define EXIT_NOEXEC	126
#define EXIT_NOENT	127

#define ORIGIN_PREFIX	"FORCED_WRITE_"
#define MAX_ORIGINS	64

/* A flag of a VMA, its bit, and how an event shows it. */
struct vma_bit {
	const char *name;
	const char *shown;
	unsigned long long mask;
};

static struct vma_bit prot_bits[] = {
	{ "VMA_READ_BIT", "r", 0 },
	{ "VMA_WRITE_BIT", "w", 0 },
	{ "VMA_EXEC_BIT", "x", 0 },
	{ "VMA_SHARED_BIT", "s", 0 },
};

static struct vma_bit seal_bits[] = {
	{ "VMA_SEAL_MAP_BIT", "map", 0 },
	{ "VMA_SEAL_PROT_BIT", "prot", 0 },
	{ "VMA_SEAL_DISCARD_WEAK_BIT", "discard-weak", 0 },
	{ "VMA_SEAL_DISCARD_BIT", "discard", 0 },
};

#define EXEC_BIT (&prot_bits[2])

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static char origins[MAX_ORIGINS][32];

static struct {
	bool mseal, executable, read_only, tracer, dry_run, log, debug;
	const char *origin, *pin, *opener;
	const char *cgroups[FW_MAX_CGROUPS];
	const char *targets[FW_MAX_BINARIES];
	const char *writers[FW_MAX_BINARIES];
	unsigned int nr_cgroups, nr_targets, nr_writers;
} opt;

#define die(fmt, ...)								\
	do {									\
		fprintf(stderr, "forced_write: error: " fmt "\n", ##__VA_ARGS__); \
		exit(EXIT_FAILED);						\
	} while (0)

static void show_help(void)
{
	fputs("usage: forced_write [OPTION]... [-- COMMAND [ARGUMENT]...]\n"
	      "\n"
	      "Refuse forced writes into sealed mappings: those by /proc/PID/mem, ptrace(),\n"
	      "process_vm_writev(), userfaultfd and uprobes. While COMMAND runs, or until\n"
	      "this program is ended by SIGINT or SIGTERM.\n"
	      "\n"
	      "What is refused:\n"
	      "  -x, --executable      into executable mappings that are not writable, too\n"
	      "  -r, --read-only       into all mappings that are not writable, too\n"
	      "  -v, --via NAME,...    only these access paths; 'list' shows this kernel's\n"
	      "  -m, --mseal           instead of forced writes: mseal()\n"
	      "\n"
	      "When; one of these has to be true, and without any it is always:\n"
	      "  -c, --cgroup DIR      the writer (or sealer) is in this cgroup (version 2) or below\n"
	      "  -b, --binary FILE     the memory is that of a process that runs FILE\n"
	      "  -w, --writer FILE     the writer is a process that runs FILE\n"
	      "  -o, --opener USER     the descriptor (of /proc/PID/mem, or a userfaultfd) was\n"
	      "                        opened by this user, a number; 'other': by another one\n"
	      "                        than the writer, which passed it on; or the tracer\n"
	      "                        was attached by that user (ptrace)\n"
	      "\n"
	      "But:\n"
	      "  -t, --allow-tracer    not if the writer is a debugger: a tracer that started the\n"
	      "                        program, or has followed it through fork()\n"
	      "  -n, --dry-run         refuse nothing, log what would be refused\n"
	      "\n"
	      "  -l, --log             write a line to stderr for each refusal\n"
	      "  -p, --pin FILE        attach, leave that at FILE in a bpf file system, and end;\n"
	      "                        to remove FILE detaches\n"
	      "  -d, --debug           show what libbpf and the verifier say\n"
	      "  -h, --help            this text\n"
	      "\n"
	      "-c, -b and -w can be given several times. The exit status is that of COMMAND,\n"
	      "128 + N if signal N ended it, 125 if forced_write itself fails.\n", stdout);
}

static const struct option options[] = {
	{ "executable", no_argument, NULL, 'x' },
	{ "read-only", no_argument, NULL, 'r' },
	{ "via", required_argument, NULL, 'v' },
	{ "mseal", no_argument, NULL, 'm' },
	{ "cgroup", required_argument, NULL, 'c' },
	{ "binary", required_argument, NULL, 'b' },
	{ "writer", required_argument, NULL, 'w' },
	{ "opener", required_argument, NULL, 'o' },
	{ "allow-tracer", no_argument, NULL, 't' },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "log", no_argument, NULL, 'l' },
	{ "pin", required_argument, NULL, 'p' },
	{ "debug", no_argument, NULL, 'd' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static void add(const char **list, unsigned int *nr, unsigned int max, const char *what)
{
	if (*nr == max)
		die("more than %u of %s", max, what);
	list[(*nr)++] = optarg;
}

static void parse(int argc, char **argv)
{
	int c;

	/* '+': options after the command belong to the command. */
	while ((c = getopt_long(argc, argv, "+xrv:mc:b:w:o:tnlp:dh", options, NULL)) != -1) {
		switch (c) {
		case 'x':
			opt.executable = true;
			break;
		case 'r':
			opt.read_only = true;
			break;
		case 'v':
			if (opt.origin)
				die("--via can be given once; say --via %s,%s", opt.origin, optarg);
			opt.origin = optarg;
			break;
		case 'm':
			opt.mseal = true;
			break;
		case 'c':
			add(opt.cgroups, &opt.nr_cgroups, FW_MAX_CGROUPS, "--cgroup");
			break;
		case 'b':
			add(opt.targets, &opt.nr_targets, FW_MAX_BINARIES / 2, "--binary");
			break;
		case 'w':
			add(opt.writers, &opt.nr_writers, FW_MAX_BINARIES / 2, "--writer");
			break;
		case 'o':
			if (opt.opener)
				die("--opener can be given once");
			opt.opener = optarg;
			break;
		case 't':
			opt.tracer = true;
			break;
		case 'n':
			opt.dry_run = true;
			opt.log = true;
			break;
		case 'l':
			opt.log = true;
			break;
		case 'p':
			opt.pin = optarg;
			break;
		case 'd':
			opt.debug = true;
			break;
		case 'h':
			show_help();
			exit(EXIT_SUCCESS);
		default:
			fputs("Try 'forced_write --help'.\n", stderr);
			exit(EXIT_FAILED);
		}
	}
	if (opt.mseal &&
	    (opt.executable || opt.read_only || opt.tracer || opt.origin || opt.opener))
		die("--mseal is about sealing: -x, -r, -t, -v and -o are about forced writes");
	if (opt.pin && optind < argc)
		die("--pin ends at once: a command cannot be run by it");
	if (opt.pin && opt.log)
		die("--pin ends at once: nobody would be there to write the log");
}

/*
 * The kernel's types
 */
static bool find_enumerator(const struct btf *btf, const char *name, unsigned long long *value)
{
	unsigned int i, nr = btf__type_cnt(btf);

	/* The bits of a VMA's flags are members of an enum without a name. */
	for (i = 1; i < nr; i++) {
		const struct btf_type *type = btf__type_by_id(btf, i);
		const struct btf_enum *e = btf_enum(type);
		unsigned int j;

		if (!btf_is_enum(type))
			continue;
		for (j = 0; j < btf_vlen(type); j++, e++) {
			if (!strcmp(btf__name_by_offset(btf, e->name_off), name)) {
				*value = (unsigned int)e->val;
				return true;
			}
		}
	}
	return false;
}

static void find_bits(const struct btf *btf, struct vma_bit *bits, unsigned int nr)
{
	unsigned long long bit;

	for (; nr--; bits++) {
		if (!find_enumerator(btf, bits->name, &bit) || bit > 63)
			die("this kernel's BTF has no %s: it has no seals per attribute",
			    bits->name);
		bits->mask = 1ULL << bit;
	}
}

/* FORCED_WRITE_PROC_MEM is called proc-mem. */
static void find_origins(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "forced_write_origin", BTF_KIND_ENUM);
	const struct btf_type *type;
	const struct btf_enum *e;
	unsigned int i;

	if (id < 0)
		die("this kernel's BTF has no enum forced_write_origin");
	type = btf__type_by_id(btf, id);
	e = btf_enum(type);
	for (i = 0; i < btf_vlen(type); i++, e++) {
		const char *name = btf__name_by_offset(btf, e->name_off);
		char *c;

		/* The last one, NR_FORCED_WRITE_ORIGINS, is no origin. */
		if (strncmp(name, ORIGIN_PREFIX, strlen(ORIGIN_PREFIX)) ||
		    (unsigned int)e->val >= MAX_ORIGINS)
			continue;
		name += strlen(ORIGIN_PREFIX);
		if (!strcmp(name, "NONE"))
			continue;
		snprintf(origins[e->val], sizeof(origins[0]), "%s", name);
		for (c = origins[e->val]; *c; c++)
			*c = *c == '_' ? '-' : *c >= 'A' && *c <= 'Z' ? *c + 'a' - 'A' : *c;
	}
}

static unsigned long long parse_origins(void)
{
	unsigned long long mask = 0;
	char *list, *word, *rest;
	unsigned int i;

	if (!opt.origin)
		return ~0ULL;
	list = strdup(opt.origin);
	if (!list)
		die("no memory");
	for (word = strtok_r(list, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		for (i = 0; i < MAX_ORIGINS; i++)
			if (origins[i][0] && !strcmp(origins[i], word))
				break;
		if (i == MAX_ORIGINS)
			die("--via %s: no such access path; 'forced_write --via list' shows them",
			    word);
		mask |= 1ULL << i;
	}
	free(list);
	if (!mask)
		die("--via names no access path");
	return mask;
}

static void parse_opener(struct fw_policy *policy)
{
	unsigned long user;
	char *end;

	if (!opt.opener)
		return;
	if (!strcmp(opt.opener, "other")) {
		policy->opener = FW_OPENER_OTHER;
		return;
	}
	errno = 0;
	user = strtoul(opt.opener, &end, 10);
	if (opt.opener[0] < '0' || opt.opener[0] > '9' || *end || errno || user >= UINT_MAX)
		die("--opener %s: say the number of a user, or 'other'", opt.opener);
	policy->opener = FW_OPENER_USER;
	policy->opener_user = user;
}

static void need_hook(const struct btf *btf, const char *hook)
{
	char stub[64];

	snprintf(stub, sizeof(stub), "bpf_lsm_%s", hook);
	if (btf__find_by_name_kind(btf, stub, BTF_KIND_FUNC) < 0)
		die("this kernel has no LSM hook %s", hook);
}

/* Without bpf among the LSMs a program attaches, but is never called. */
static void need_lsm(void)
{
	static const char path[] = "/sys/kernel/security/lsm";
	char line[512], *word, *rest;
	FILE *f = fopen(path, "re");

	/* Without securityfs this cannot be checked. */
	if (!f)
		return;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	for (word = strtok_r(line, ",\n", &rest); word; word = strtok_r(NULL, ",\n", &rest))
		if (!strcmp(word, "bpf"))
			return;
	die("bpf is not among the LSMs in %s: boot with it in lsm=, or add it to CONFIG_LSM", path);
}

/*
 * The policy's arguments
 */

/*
 * The device and inode as the kernel has them. stat() differs from that on file
 * systems with a device per subvolume.
 */
static struct fw_binary identify(const char *path)
{
	struct fw_binary binary = { };
	unsigned int major = 0, minor = 0;
	bool have_dev = false;
	char name[64], line[4096];
	int fd, mount = -1;
	struct stat st;
	FILE *f;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		die("%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		die("%s: not a regular file, so nothing that runs", path);

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	f = fopen(name, "re");
	if (!f)
		die("%s: %s", name, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "mnt_id: %d", &mount) != 1)
			(void)!sscanf(line, "ino: %llu", &binary.ino);
	}
	fclose(f);
	f = fopen("/proc/self/mountinfo", "re");
	if (!f)
		die("/proc/self/mountinfo: %s", strerror(errno));
	while (!have_dev && fgets(line, sizeof(line), f)) {
		int id;

		have_dev = sscanf(line, "%d %*d %u:%u", &id, &major, &minor) == 3 && id == mount;
	}
	fclose(f);
	close(fd);
	if (!have_dev || !binary.ino)
		die("%s: cannot tell its device and inode from /proc", path);
	binary.dev = major << 20 | minor;
	return binary;
}

static void add_binary(int map, const char *path, unsigned int role)
{
	struct fw_binary key = identify(path);
	unsigned int roles = 0;

	bpf_map_lookup_elem(map, &key, &roles);
	roles |= role;
	if (bpf_map_update_elem(map, &key, &roles, BPF_ANY))
		die("%s: cannot be made part of the policy: %s", path, strerror(errno));
}

static void add_cgroup(int map, unsigned int i, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs st;

	if (fd < 0 || fstatfs(fd, &st))
		die("%s: %s", path, strerror(errno));
	if (st.f_type != CGROUP2_SUPER_MAGIC)
		die("%s: not a directory of a cgroup version 2 hierarchy", path);
	if (bpf_map_update_elem(map, &i, &fd, BPF_ANY))
		die("%s: cannot be made part of the policy: %s", path, strerror(errno));
	/* The map holds a reference to the cgroup. */
	close(fd);
}

/*
 * Events
 */

/* A process chooses its own name: it must not look like a line of this log. */
static const char *printable(char *text, size_t size)
{
	char *c;

	text[size - 1] = '\0';
	for (c = text; *c; c++)
		if (*c < ' ' || *c > '~' || *c == '"')
			*c = '?';
	return text;
}

static struct fw_event last;
static unsigned long long repeats;

static void show_repeats(void)
{
	if (repeats)
		fprintf(stderr, "forced_write: the same %llu times more\n", repeats);
	repeats = 0;
}

static int show(void *context, void *data, size_t size)
{
	static const char * const verdicts[] = {
		[FW_REFUSED] = "refused",
		[FW_DRY_RUN] = "would be refused",
		[FW_TRACER] = "permitted to a tracer",
	};
	struct fw_event event;
	char seals[64] = "", prot[8] = "";
	char what[64], opener[24] = "none";
	unsigned int i;

	(void)context;
	if (size < sizeof(event))
		return 0;
	memcpy(&event, data, sizeof(event));
	/* A process that tries again and again must not fill a disk. */
	if (!memcmp(&event, &last, sizeof(event))) {
		repeats++;
		return 0;
	}
	show_repeats();
	last = event;

	for (i = 0; i < ARRAY_SIZE(seal_bits); i++) {
		if (!(event.vm_flags & seal_bits[i].mask))
			continue;
		if (seals[0])
			strcat(seals, ",");
		strcat(seals, seal_bits[i].shown);
	}
	for (i = 0; i < ARRAY_SIZE(prot_bits); i++)
		strcat(prot, event.vm_flags & prot_bits[i].mask ? prot_bits[i].shown :
			     i == ARRAY_SIZE(prot_bits) - 1 ? "p" : "-");
	if (event.origin < 0)
		snprintf(what, sizeof(what), "mseal flags=%#llx", event.flags);
	else if (event.origin < MAX_ORIGINS && origins[event.origin][0])
		snprintf(what, sizeof(what), "forced write via=%s", origins[event.origin]);
	else
		snprintf(what, sizeof(what), "forced write via=%d", event.origin);

	if (event.opener >= 0)
		snprintf(opener, sizeof(opener), "%lld", event.opener);

	/* One call, so that lines of other writers do not mix with this one. */
	fprintf(stderr,
		"forced_write: %s: %s pid=%u comm=\"%s\" cgroup=%llu tracer=%s opener=%s range=0x%llx-0x%llx prot=%s seals=%s owner=\"%s\" file=\"%s\"\n",
		event.verdict < ARRAY_SIZE(verdicts) ? verdicts[event.verdict] : "?", what,
		event.tgid, printable(event.comm, sizeof(event.comm)), event.cgroup,
		event.tracer ? "yes" : "no", opener, event.start, event.end, prot,
		seals[0] ? seals : "none", printable(event.exe, sizeof(event.exe)),
		printable(event.file, sizeof(event.file)));
	return 0;
}

static int libbpf_print(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_DEBUG && !opt.debug)
		return 0;
	return vfprintf(stderr, fmt, ap);
}

/*
 * Running
 */
static struct forced_write_bpf *load_policy(void)
{
	struct forced_write_bpf *skel = forced_write_bpf__open();
	struct fw_policy policy = { };
	unsigned int i;
	int err;

	if (!skel)
		die("cannot open the BPF program: %s", strerror(errno));

	for (i = 0; i < ARRAY_SIZE(seal_bits); i++)
		policy.covered |= seal_bits[i].mask;
	if (opt.executable)
		policy.covered |= EXEC_BIT->mask;
	policy.all = opt.read_only;
	policy.origins = parse_origins();
	policy.nr_cgroups = opt.nr_cgroups;
	policy.nr_targets = opt.nr_targets;
	policy.nr_writers = opt.nr_writers;
	parse_opener(&policy);
	policy.allow_tracer = opt.tracer;
	policy.dry_run = opt.dry_run;
	policy.log = opt.log;
	memcpy((void *)&skel->rodata->policy, &policy, sizeof(policy));

	bpf_program__set_autoload(skel->progs.forced_write, !opt.mseal);
	bpf_program__set_autoload(skel->progs.seal, opt.mseal);
	/* There may be no cgroups in this kernel. */
	bpf_map__set_autocreate(skel->maps.cgroups, opt.nr_cgroups > 0);

	need_lsm();
	err = forced_write_bpf__load(skel);
	if (err == -EPERM)
		die("this user may not load BPF programs: that takes CAP_BPF and CAP_PERFMON");
	if (err)
		die("the kernel does not take the BPF program (above): %s", strerror(-err));

	for (i = 0; i < opt.nr_cgroups; i++)
		add_cgroup(bpf_map__fd(skel->maps.cgroups), i, opt.cgroups[i]);
	for (i = 0; i < opt.nr_targets; i++)
		add_binary(bpf_map__fd(skel->maps.binaries), opt.targets[i], FW_BINARY_TARGET);
	for (i = 0; i < opt.nr_writers; i++)
		add_binary(bpf_map__fd(skel->maps.binaries), opt.writers[i], FW_BINARY_WRITER);
	return skel;
}

static pid_t start(char **command, const sigset_t *old)
{
	pid_t child = fork();

	if (child < 0)
		die("fork: %s", strerror(errno));
	if (child)
		return child;
	sigprocmask(SIG_SETMASK, old, NULL);
	execvp(command[0], command);
	fprintf(stderr, "forced_write: error: %s: %s\n", command[0], strerror(errno));
	_exit(errno == ENOENT ? EXIT_NOENT : EXIT_NOEXEC);
}

/* Returns what to exit with. */
static int wait_for_end(struct ring_buffer *ring, int signals, pid_t child)
{
	struct pollfd fds[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = ring_buffer__epoll_fd(ring), .events = POLLIN },
	};
	struct signalfd_siginfo info;
	int status;

	for (;;) {
		int ready = poll(fds, ARRAY_SIZE(fds), repeats ? 1000 : -1);

		if (ready < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
		if (ready <= 0) {
			show_repeats();
			continue;
		}
		if (fds[1].revents)
			ring_buffer__consume(ring);
		if (!fds[0].revents || read(signals, &info, sizeof(info)) != sizeof(info))
			continue;
		if (!child && info.ssi_signo != SIGCHLD)
			return EXIT_SUCCESS;
		/* SIGINT is not forwarded: the terminal sends it to the command. */
		if (child && info.ssi_signo == SIGTERM)
			kill(child, SIGTERM);
		if (child && info.ssi_signo == SIGCHLD && waitpid(child, &status, WNOHANG) == child)
			return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
}

int main(int argc, char **argv)
{
	struct forced_write_bpf *skel;
	struct bpf_link *link;
	struct ring_buffer *ring;
	sigset_t set, old;
	struct btf *btf;
	int signals, status;
	pid_t child = 0;
	unsigned int i;

	parse(argc, argv);
	libbpf_set_print(libbpf_print);

	btf = btf__load_vmlinux_btf();
	if (!btf)
		die("this kernel does not describe its types (CONFIG_DEBUG_INFO_BTF): %s",
		    strerror(errno));
	need_hook(btf, opt.mseal ? "mseal" : "vma_forced_write");
	find_bits(btf, prot_bits, ARRAY_SIZE(prot_bits));
	find_bits(btf, seal_bits, ARRAY_SIZE(seal_bits));
	find_origins(btf);
	if (opt.origin && !strcmp(opt.origin, "list")) {
		for (i = 0; i < MAX_ORIGINS; i++)
			if (origins[i][0])
				puts(origins[i]);
		return EXIT_SUCCESS;
	}

	/* SIGCHLD may be inherited as ignored; then it would not arrive. */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &old);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0)
		die("signalfd: %s", strerror(errno));

	skel = load_policy();
	btf__free(btf);
	ring = ring_buffer__new(bpf_map__fd(skel->maps.events), show, NULL, NULL);
	if (!ring)
		die("cannot map the ring of events: %s", strerror(errno));
	link = bpf_program__attach_lsm(opt.mseal ? skel->progs.seal : skel->progs.forced_write);
	if (!link)
		die("cannot attach to the LSM hook: %s", strerror(errno));

	if (opt.pin) {
		if (bpf_link__pin(link, opt.pin))
			die("%s: cannot be pinned (is it in a bpf file system?): %s", opt.pin,
			    strerror(errno));
		return EXIT_SUCCESS;
	}

	if (optind < argc)
		child = start(argv + optind, &old);
	else
		fputs("forced_write: attached\n", stderr);
	status = wait_for_end(ring, signals, child);

	bpf_link__destroy(link);
	ring_buffer__consume(ring);
	show_repeats();
	if (skel->bss->lost)
		fprintf(stderr, "forced_write: %llu events were lost\n", skel->bss->lost);
	ring_buffer__free(ring);
	forced_write_bpf__destroy(skel);
	return status;
}
