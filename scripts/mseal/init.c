// SPDX-License-Identifier: GPL-2.0
/*
 * First process of a test guest. It runs the jobs that scripts/mseal/guest
 * put into the initramfs, reports how each one ended, and stops the machine.
 *
 * Three lines lead out of the guest. The kernel log has its own; programs
 * write to a second one; results go over a third, marked with a word that is
 * new in every boot and that the programs are not told. So a program can
 * print what it likes without being taken for a result. The same word, written
 * to the second line where a job starts and ends, shows whose output is whose
 * and that none was lost on the way.
 *
 * /jobs is a sequence of NUL-terminated strings, thus any byte may stand in
 * an argument:
 *
 *	mark, output tty, control tty, "poweroff" or "restart",
 *	number of huge pages, disk (empty: none), init of the disk (empty: none),
 *	number of files, paths of the files,
 *	number of jobs,
 *	and for each job: number of arguments, arguments (the first is the path)
 *
 * With a disk, its file system becomes the root. The files are copied to it from the
 * initramfs, and a job whose path has no slash is looked for in PATH. If the disk's own
 * init is named, it becomes the first process after the first job, and a child of it runs
 * the others.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static const char *mark = "";
static int restart, first = 1;
static int output = -1, control = -1;

static char *jobs, *jobs_end;

static void write_all(int fd, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		buf += n;
		len -= n;
	}
}

/* One write per line, so that lines stay whole. */
static void report(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int len, room;

	len = snprintf(line, sizeof(line), "%s ", mark);
	room = sizeof(line) - len - 1;
	va_start(ap, fmt);
	vsnprintf(line + len, room, fmt, ap);
	va_end(ap);
	len = strlen(line);
	line[len++] = '\n';

	/* All that the program printed is outside before this line is. */
	if (output >= 0)
		tcdrain(output);
	if (control >= 0)
		write_all(control, line, len);
}

static void mark_output(const char *what, unsigned long nr)
{
	char line[128];
	int len;

	/* NUL: rare in output, so that the runner need not hold much back. */
	len = snprintf(line, sizeof(line), "%c%s %s %lu\n", '\0', mark, what, nr);
	write_all(output, line, len);
}

static void stop(void)
{
	if (control >= 0)
		tcdrain(control);
	sync();
	reboot(restart ? RB_AUTOBOOT : RB_POWER_OFF);
	/* Only an exit of the first process is left: the kernel panics. */
	_exit(1);
}

/* Says why there will be no results, in the kernel log too. */
static void fail(const char *what, const char *arg)
{
	const char *why = strerror(errno);
	int kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	char line[512];

	snprintf(line, sizeof(line), "<3>guest init: %s%s: %s\n", what, arg, why);
	if (kmsg >= 0)
		write_all(kmsg, line, strlen(line));
	report("error %s%s: %s", what, arg, why);
	stop();
}

/* A file system that this kernel does not have is no error. */
static void mount_at(const char *type, const char *dir, int needed)
{
	mkdir(dir, 0755);
	if (mount(type, dir, type, 0, NULL) && needed)
		fail("cannot mount ", dir);
}

static void read_jobs(void)
{
	int fd = open("/jobs", O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st))
		fail("cannot read ", "/jobs");
	jobs = malloc(st.st_size + 1);
	if (!jobs)
		fail("no memory for ", "/jobs");
	jobs_end = jobs;
	while ((n = read(fd, jobs_end, jobs + st.st_size - jobs_end)) > 0)
		jobs_end += n;
	if (n < 0)
		fail("cannot read ", "/jobs");
	*jobs_end = '\0';
	close(fd);
	/* The programs need not know the mark. */
	unlink("/jobs");
}

static char *next(void)
{
	char *s = jobs;

	if (jobs >= jobs_end) {
		errno = EINVAL;
		fail("too short: ", "/jobs");
	}
	jobs += strlen(s) + 1;
	return s;
}

static int open_line(const char *path)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios t;

	if (fd < 0 || tcgetattr(fd, &t))
		fail("cannot open ", path);
	/* Bytes leave as they were written: no "\r\n" for "\n", no echo. */
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL;
	cfsetspeed(&t, B115200);
	if (tcsetattr(fd, TCSANOW, &t))
		fail("cannot set ", path);
	return fd;
}

static void reserve_hugepages(const char *count)
{
	static const char path[] = "/proc/sys/vm/nr_hugepages";
	char got[32] = "";
	int fd;

	if (!strcmp(count, "0"))
		return;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fail("this kernel has no huge pages: ", path);
	write_all(fd, count, strlen(count));
	if (pread(fd, got, sizeof(got) - 1, 0) < 0)
		fail("cannot read ", path);
	close(fd);
	if (atol(got) < atol(count)) {
		errno = ENOMEM;
		fail("too few huge pages, give the guest more --mem: ", path);
	}
}

/* The path may lead through symbolic links of the disk. */
static void copy_file(int initramfs, char *path)
{
	struct stat st;
	ssize_t n = 1;
	int from, to;
	char *slash;

	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	from = openat(initramfs, path + 1, O_RDONLY | O_CLOEXEC);
	if (from < 0 || fstat(from, &st))
		fail("not in the initramfs: ", path);
	/* What stands there may be in use, or a link to something else. */
	unlink(path);
	to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st.st_mode & 0777);
	while (to >= 0 && n > 0)
		n = sendfile(to, from, NULL, 1 << 20);
	if (to < 0 || n < 0)
		fail("cannot write ", path);
	close(from);
	close(to);
}

static void switch_root(const char *disk)
{
	mkdir("/disk", 0755);
	if (mount(disk, "/disk", "ext4", 0, NULL))
		fail("cannot mount ", disk);
	if (chdir("/disk") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") ||
	    chdir("/"))
		fail("cannot make it the root: ", disk);
	mount_at("devtmpfs", "/dev", 1);
}

static void run_child(char **argv)
{
	const struct rlimit no_core = { 0, 0 };
	int null;

	setsid();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 ||
	    dup2(output, 2) < 0 || setrlimit(RLIMIT_CORE, &no_core) ||
	    chdir("/tmp")) {
		report("error cannot prepare %s: %s", argv[0], strerror(errno));
		_exit(126);
	}
	if (strchr(argv[0], '/'))
		execv(argv[0], argv);
	else
		execvp(argv[0], argv);
	report("error cannot run %s: %s%s", argv[0], strerror(errno),
	       strchr(argv[0], '/') ? "" : " (a program of the host is named with a slash)");
	_exit(127);
}

static void run_job(unsigned long nr, char **argv)
{
	pid_t child, pid;
	int status = 0;

	report("start %lu", nr);
	mark_output("start", nr);
	child = fork();
	if (child < 0)
		fail("cannot fork for ", argv[0]);
	if (!child)
		run_child(argv);

	/* Orphans end up here as well. */
	do {
		pid = wait(&status);
	} while (pid != child && (pid > 0 || errno == EINTR));
	if (pid < 0)
		fail("cannot wait for ", argv[0]);

	/* What a job leaves behind must not disturb the next one. */
	kill(first ? -1 : -child, SIGKILL);
	while (wait(NULL) > 0 || errno == EINTR)
		;

	mark_output("end", nr);
	if (WIFSIGNALED(status))
		report("signal %lu %d", nr, WTERMSIG(status));
	else
		report("exit %lu %d", nr, WEXITSTATUS(status));
}

/* The parent becomes the disk's init, the child goes on. */
static void start_init(const char *path)
{
	pid_t child = fork();

	if (child < 0)
		fail("cannot fork for ", path);
	if (child) {
		execl(path, path, NULL);
		fail("cannot run ", path);
	}
	first = 0;
}

int main(void)
{
	static char *no_disk_env[] = { "HOME=/", "PATH=/bin", NULL };
	static char *disk_env[] = {
		"HOME=/root", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
		"LANG=C.UTF-8", "TERM=dumb", "PAGER=cat", NULL
	};
	unsigned long count, argc, i, j;
	const char *output_path, *control_path, *hugepages, *disk, *disk_init;
	char **argv;
	int initramfs;

	/*
	 * The kernel opened its console for us. On a PC that would keep the
	 * interrupt that the control line's UART shares with it.
	 */
	for (i = 0; i < 3; i++)
		close(i);

	mount_at("devtmpfs", "/dev", 1);
	/* Keep 0 to 2 taken: no line may become anybody's stdio by accident. */
	for (i = 0; i < 3; i++)
		if (open("/dev/null", O_RDWR) < 0)
			fail("cannot open ", "/dev/null");

	read_jobs();
	mark = next();
	output_path = next();
	control_path = next();
	restart = !strcmp(next(), "restart");
	hugepages = next();
	disk = next();
	disk_init = next();

	control = open_line(control_path);
	output = open_line(output_path);
	report("boot");

	initramfs = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	environ = *disk ? disk_env : no_disk_env;
	if (*disk)
		switch_root(disk);
	count = strtoul(next(), NULL, 10);
	for (i = 0; i < count; i++)
		copy_file(initramfs, next());
	close(initramfs);

	mount_at("proc", "/proc", 1);
	mount_at("sysfs", "/sys", 1);
	/* The root may be a ramfs, which knows no swap and no holes. */
	mount_at("tmpfs", "/tmp", 1);
	chmod("/tmp", 01777);
	mount_at("tmpfs", "/dev/shm", 1);
	chmod("/dev/shm", 01777);
	mount_at("devpts", "/dev/pts", 0);
	mount_at("hugetlbfs", "/dev/hugepages", 0);
	mount_at("securityfs", "/sys/kernel/security", 0);
	mount_at("debugfs", "/sys/kernel/debug", 0);
	mount_at("tracefs", "/sys/kernel/tracing", 0);
	if (*disk) {
		symlink("/proc/self/fd", "/dev/fd");
		symlink("fd/0", "/dev/stdin");
		symlink("fd/1", "/dev/stdout");
		symlink("fd/2", "/dev/stderr");
		mount_at("tmpfs", "/run", 1);
		mount_at("cgroup2", "/sys/fs/cgroup", 0);
		mount_at("bpf", "/sys/fs/bpf", 0);
		mount_at("selinuxfs", "/sys/fs/selinux", 0);
	}
	reserve_hugepages(hugepages);

	count = strtoul(next(), NULL, 10);
	for (i = 0; i < count; i++) {
		argc = strtoul(next(), NULL, 10);
		argv = calloc(argc + 1, sizeof(*argv));
		if (!argc || !argv)
			fail("bad job in ", "/jobs");
		for (j = 0; j < argc; j++)
			argv[j] = next();
		run_job(i, argv);
		free(argv);
		if (*disk_init && first)
			start_init(disk_init);
	}
	report("done");
	stop();
}
