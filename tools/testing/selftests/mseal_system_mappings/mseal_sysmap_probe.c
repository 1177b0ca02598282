// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program that prints how its system mappings are sealed and tries to change
 * them. mseal_sysmap_test runs it as a static program, with an interpreter, and
 * as a 32-bit program. It has no libc, so that it needs no libraries for any of
 * these and does not use the vdso once that is gone.
 *
 * Each argument is a step; after each it prints the line "done STEP ERRNO".
 *
 *	show		"map NAME START END FLAGS", for each system mapping
 *	wait		read a byte from standard input
 *	fork		go on in a child; the parent only waits for it
 *	start:FILE	start another program by vfork(), with the step "show"
 *	where		"where OFFSET OFFSET": place of target() and target_nop() in the file
 *	target		call target()
 *	target-nop	call target_nop()
 *	clock		read the clock of the vdso, wherever that is
 *	criu		move all of the vdso and its data, as CRIU does when restoring
 *	OP:NAME		do the operation OP to the mapping NAME, see operate()
 *
 * With -DINTERPRETER it is the interpreter of a program, which only starts it.
 */

#ifdef INTERPRETER

/* AT_ENTRY, from the stack that the kernel has set up */
unsigned long entry_of(const unsigned long *sp)
{
	const unsigned long *p = sp + 1 + *sp + 1;

	while (*p++)
		;
	for (; p[0]; p += 2)
		if (p[0] == 9 /* AT_ENTRY */)
			return p[1];
	return 0;
}

#if defined(__x86_64__)
#define START					\
	"	mov %rsp, %rdi\n"		\
	"	call entry_of\n"		\
	"	xor %edx, %edx\n"		\
	"	jmp *%rax\n"
#elif defined(__i386__)
#define START					\
	"	mov %esp, %eax\n"		\
	"	push %eax\n"			\
	"	call entry_of\n"		\
	"	pop %edx\n"			\
	"	xor %edx, %edx\n"		\
	"	jmp *%eax\n"
#elif defined(__aarch64__)
#define START					\
	"	mov x0, sp\n"			\
	"	bl entry_of\n"			\
	"	mov x16, x0\n"			\
	"	mov x0, #0\n"			\
	"	br x16\n"
#else
#error "how does a program start on this architecture?"
#endif
asm(".globl _start\n_start:\n" START);

#else /* INTERPRETER */

#include <nolibc.h>

#include "../vDSO/parse_vdso.c"

#ifdef INTERPRETED
/* A relative path: the test changes to its directory. */
asm(".pushsection .interp, \"a\"\n.asciz \"" INTERPRETED "\"\n.popsection");
#endif

#ifndef MADV_DONTFORK
#define MADV_DONTFORK	10
#endif
#ifndef MREMAP_MAYMOVE
#define MREMAP_MAYMOVE	1
#define MREMAP_FIXED	2
#endif

#if defined(__aarch64__)
#define VDSO_VERSION	"LINUX_2.6.39"
#define VDSO_CLOCK	"__kernel_clock_gettime"
#elif defined(__i386__)
/* The call for 64-bit times, which struct timespec has here. */
#define VDSO_VERSION	"LINUX_2.6"
#define VDSO_CLOCK	"__vdso_clock_gettime64"
#else
#define VDSO_VERSION	"LINUX_2.6"
#define VDSO_CLOCK	"__vdso_clock_gettime"
#endif

#define MAX_MAPS	16

struct map {
	unsigned long start, end;
	char name[32];
	char flags[128];
};

static struct map maps[MAX_MAPS];
static int nr_maps;

/*
 * A breakpoint on target() needs the uprobes area, because the kernel does not
 * emulate its first instruction. For one on target_nop() x86_64 makes a
 * trampoline.
 */
#ifdef __aarch64__
#define TARGET		"mov w0, #1\n"
#define TARGET_NOP	"nop\n"
#define GET_ADDRESS(of)	"adrp %0, " of "\n add %0, %0, :lo12:" of
#elif defined(__x86_64__)
#define TARGET		"mov $1, %eax\n"
#define TARGET_NOP	".byte 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0\n"
#define GET_ADDRESS(of)	"lea " of "(%%rip), %0"
#elif defined(__i386__)
#define TARGET		"mov $1, %eax\n"
#define TARGET_NOP	"nop\n"
#define GET_ADDRESS(of)	"mov $" of ", %0"
#else
#error "which instruction is never emulated by uprobes?"
#endif
asm(".text\n"
	".balign 16\n"
	"target:	" TARGET "	ret\n"
	".balign 16\n"
	"target_nop:	" TARGET_NOP "	ret\n");

static unsigned long target(void)
{
	unsigned long address;

	asm(GET_ADDRESS("target") : "=r" (address));
	return address;
}

static unsigned long target_nop(void)
{
	unsigned long address;

	asm(GET_ADDRESS("target_nop") : "=r" (address));
	return address;
}

/* Where they are in the file; see take_map(). */
static unsigned long target_offset, target_nop_offset;

static bool is_system_mapping(const char *name)
{
	return !strcmp(name, "[vdso]") || !strcmp(name, "[vvar]") ||
	       !strcmp(name, "[vvar_vclock]") || !strcmp(name, "[uprobes]") ||
	       !strcmp(name, "[uprobes-trampoline]") ||
	       !strcmp(name, "[sigpage]") || !strcmp(name, "[vectors]");
}

/* Parse a number at *at and move *at past the character that ends it. */
static unsigned long take_hex(char **at)
{
	unsigned long value = 0;

	for (; **at; (*at)++) {
		if (**at >= '0' && **at <= '9')
			value = value * 16 + **at - '0';
		else if (**at >= 'a' && **at <= 'f')
			value = value * 16 + **at - 'a' + 10;
		else
			break;
	}
	if (**at)
		(*at)++;
	return value;
}

static void take_map(char *line)
{
	const unsigned long nop = target_nop();
	const unsigned long here = target();
	unsigned long start, end, offset;
	char *name;

	start = take_hex(&line);
	end = take_hex(&line);
	line = strchr(line, ' ');
	if (!line)
		return;
	line++;
	offset = take_hex(&line);
	if (here >= start && here < end)
		target_offset = here - start + offset;
	if (nop >= start && nop < end)
		target_nop_offset = nop - start + offset;

	name = strchr(line, '[');
	if (!name || !is_system_mapping(name) || nr_maps == MAX_MAPS)
		return;
	maps[nr_maps].start = start;
	maps[nr_maps].end = end;
	snprintf(maps[nr_maps].name, sizeof(maps[nr_maps].name), "%s", name);
	maps[nr_maps].flags[0] = '\0';
	nr_maps++;
}

static int read_maps(void)
{
	static char buf[1 << 16];
	unsigned long last = 0;
	char *line, *next;
	size_t len = 0;
	ssize_t n;
	int fd;

	nr_maps = 0;
	fd = open("/proc/self/smaps", O_RDONLY);
	if (fd < 0)
		return -errno;
	while ((n = read(fd, buf + len, sizeof(buf) - 1 - len)) > 0)
		len += n;
	close(fd);
	if (n < 0 || len == sizeof(buf) - 1)
		return n < 0 ? -errno : -E2BIG;
	buf[len] = '\0';

	for (line = buf; *line; line = next) {
		next = strchr(line, '\n');
		if (!next)
			break;
		*next++ = '\0';
		if (line[0] < 'A' || line[0] > 'Z') {
			last = nr_maps;
			take_map(line);
		} else if (!strncmp(line, "VmFlags:", 8) && nr_maps > (int)last) {
			snprintf(maps[nr_maps - 1].flags,
				 sizeof(maps[nr_maps - 1].flags), "%s", line + 8);
		}
	}
	return 0;
}

static struct map *find_map(const char *name)
{
	for (int i = 0; i < nr_maps; i++)
		if (!strcmp(maps[i].name, name))
			return &maps[i];
	return NULL;
}

static int show(void)
{
	const int err = read_maps();

	if (err)
		return err;
	for (int i = 0; i < nr_maps; i++)
		printf("map %s %lx %lx %s\n", maps[i].name, maps[i].start,
		       maps[i].end, maps[i].flags);
	return 0;
}

/* The kernel reads, so that there is no signal if nothing is mapped. */
static bool is_elf(unsigned long addr)
{
	char magic[4] = "";
	int fds[2];

	if (pipe(fds))
		return false;
	if (write(fds[1], (void *)addr, 4) == 4)
		(void)!read(fds[0], magic, 4);
	close(fds[0]);
	close(fds[1]);
	return !memcmp(magic, "\177ELF", 4);
}

static void *hole(size_t len)
{
	void *at = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at != MAP_FAILED && munmap(at, len))
		return MAP_FAILED;
	return at;
}

static int move(const struct map *map, void *to)
{
	const size_t len = map->end - map->start;

	if (mremap((void *)map->start, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		return -errno;
	if (!strcmp(map->name, "[vdso]") && !is_elf((unsigned long)to))
		return -EILSEQ;
	return 0;
}

static int operate(const char *op, const struct map *map)
{
	void *start = (void *)map->start;
	const size_t len = map->end - map->start;
	const size_t page = getpagesize();
	void *other;

	if (!strcmp(op, "munmap"))
		return munmap(start, len) ? -errno : 0;
	if (!strcmp(op, "munmap-page"))
		return munmap(start, page) ? -errno : 0;
	if (!strcmp(op, "mprotect"))
		return syscall(__NR_mprotect, start, len, PROT_NONE) ? -errno : 0;
	if (!strcmp(op, "map-fixed"))
		return mmap(start, len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
			    MAP_FIXED, -1, 0) == start ? 0 : -errno;
	if (!strcmp(op, "dontfork"))
		return syscall(__NR_madvise, start, len, MADV_DONTFORK) ? -errno : 0;
	if (!strcmp(op, "move")) {
		other = hole(len);
		return other == MAP_FAILED ? -errno : move(map, other);
	}
	if (!strcmp(op, "move-onto")) {
		other = mmap(NULL, len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (other == MAP_FAILED)
			return -errno;
		return mremap(other, len, len, MREMAP_MAYMOVE | MREMAP_FIXED,
			      start) == start ? 0 : -errno;
	}
	return -EOPNOTSUPP;
}

static int operate_on(const char *step)
{
	const char *colon = strchr(step, ':');
	struct map *map;
	char op[16];
	int err;

	if (!colon || colon - step >= (ssize_t)sizeof(op))
		return -EOPNOTSUPP;
	memcpy(op, step, colon - step);
	op[colon - step] = '\0';

	err = read_maps();
	if (err)
		return err;
	map = find_map(colon + 1);
	return map ? operate(op, map) : -ENOENT;
}

/* Find the vdso by its mapping and check that its code and data work. */
static int ask_clock(void)
{
	int (*clock)(int clock, struct timespec *ts);
	struct timespec before, now, after;
	const struct map *vdso;
	int err;

	err = read_maps();
	if (err)
		return err;
	vdso = find_map("[vdso]");
	if (!vdso)
		return -ENOENT;
	vdso_init_from_sysinfo_ehdr(vdso->start);
	clock = vdso_sym(VDSO_VERSION, VDSO_CLOCK);
	if (!clock)
		return -ENOSYS;
	if (clock_gettime(CLOCK_MONOTONIC, &before) ||
	    clock(CLOCK_MONOTONIC, &now) ||
	    clock_gettime(CLOCK_MONOTONIC, &after))
		return -EIO;
	if (now.tv_sec < before.tv_sec || now.tv_sec > after.tv_sec ||
	    (now.tv_sec == before.tv_sec && now.tv_nsec < before.tv_nsec) ||
	    (now.tv_sec == after.tv_sec && now.tv_nsec > after.tv_nsec))
		return -ERANGE;
	return 0;
}

/* The code finds the data by its distance, so all of it must move together. */
static int move_all(void)
{
	unsigned long low = ~0UL, high = 0;
	char *to;
	int err;

	err = read_maps();
	if (err)
		return err;
	for (int i = 0; i < nr_maps; i++) {
		if (strncmp(maps[i].name, "[v", 2))
			continue;
		if (maps[i].start < low)
			low = maps[i].start;
		if (maps[i].end > high)
			high = maps[i].end;
	}
	if (!high)
		return -ENOENT;
	to = hole(high - low);
	if (to == MAP_FAILED)
		return -errno;
	for (int i = 0; i < nr_maps; i++) {
		if (strncmp(maps[i].name, "[v", 2))
			continue;
		err = move(&maps[i], to + (maps[i].start - low));
		if (err)
			return err;
	}
	return 0;
}

static int go_on_in_child(void)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (!pid)
		return 0;
	if (waitpid(pid, &status, 0) != pid)
		_exit(1);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* Not in a function of its own: the child would return from that first. */
static int start(const char *file)
{
	const char *const argv[] = { "probe", "show", NULL };
	const char *const envp[] = { NULL };
	int status;
	pid_t pid;

	pid = syscall(__NR_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
	if (!pid) {
		syscall(__NR_execve, file, argv, envp);
		syscall(__NR_exit, 127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ECHILD;
}

static int do_step(const char *step)
{
	char c;
	int err;

	if (!strcmp(step, "show"))
		return show();
	if (!strcmp(step, "wait"))
		return read(0, &c, 1) == 1 ? 0 : -EPIPE;
	if (!strcmp(step, "fork"))
		return go_on_in_child();
	if (!strncmp(step, "start:", 6))
		return start(step + 6);
	if (!strcmp(step, "where")) {
		err = read_maps();
		if (err)
			return err;
		printf("where %lx %lx\n", target_offset, target_nop_offset);
		return 0;
	}
	if (!strcmp(step, "target")) {
		((void (*)(void))target())();
		return 0;
	}
	if (!strcmp(step, "target-nop")) {
		((void (*)(void))target_nop())();
		return 0;
	}
	if (!strcmp(step, "clock"))
		return ask_clock();
	if (!strcmp(step, "criu"))
		return move_all();
	return operate_on(step);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const int err = do_step(argv[i]);

		printf("done %s %d\n", argv[i], -err);
	}
	return 0;
}

#endif /* INTERPRETER */
