/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sealrun: seal the objects of a dynamic program. Shared by the audit module and by the
 * library for LD_PRELOAD, /etc/ld.so.preload and DT_NEEDED.
 *
 * Nothing of a C library is used: an audit module lives in a namespace of its own, and a
 * C library there would cost more than the sealing. So there is one of everything, static
 * and never freed.
 *
 * Each object gets PROT|DISCARD for its segments that are not writable and for its RELRO.
 * One that is never unloaded gets MAP as well, so that nothing can take its place. Code and
 * data of other objects can still be unmapped, so dlclose() works. What is not finished is
 * left alone: the loader would fail if it could not protect RELRO, or write to a text with
 * relocations, and then the program would not start.
 */
#ifndef SEALRUN_CORE_H
#define SEALRUN_CORE_H

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define MSEAL_MAP	0x1UL
#define MSEAL_PROT	0x2UL
#define MSEAL_DISCARD	0x4UL

#ifndef __NR_mseal
#define __NR_mseal	462
#endif

static long raw_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall" : "=a" (ret)
			 : "a" (nr), "D" (a), "S" (b), "d" (c), "r" (r10), "r" (r8), "r" (r9)
			 : "rcx", "r11", "memory");
	return ret;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0" : "+r" (x0)
			 : "r" (x8), "r" (x1), "r" (x2), "r" (x3), "r" (x4), "r" (x5) : "memory");
	return x0;
#else
#error "sealrun knows the system calls of x86-64 and arm64 only"
#endif
}

#define SYSCALL1(nr, a)		raw_syscall(nr, (long)(a), 0, 0, 0, 0, 0)
#define SYSCALL3(nr, a, b, c)	raw_syscall(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define SYSCALL4(nr, a, b, c, d) raw_syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

/* Memory of its own, or NULL. */
static void *map_memory(size_t size)
{
	long addr = raw_syscall(__NR_mmap, 0, size, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return addr < 0 && addr > -4096 ? NULL : (void *)addr;
}

/* The compiler makes calls of these. */
void *memset(void *to, int c, size_t len)
{
	for (char *p = to; len--; p++)
		*p = c;
	return to;
}

void *memcpy(void *to, const void *from, size_t len)
{
	const char *q = from;

	for (char *p = to; len--; p++, q++)
		*p = *q;
	return to;
}

static bool same(const char *a, const char *b, size_t len)
{
	while (len && *a == *b && *a) {
		a++;
		b++;
		len--;
	}
	return !len || *a == *b;
}

/* Does a name fit a pattern, in which * stands for anything? */
static bool fits(const char *pattern, const char *name)
{
	const char *star = NULL, *again = NULL;

	while (*name) {
		if (*pattern == '*') {
			star = ++pattern;
			again = name;
		} else if (*pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star;
			name = ++again;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/**
 * struct settings - What the user wants; from SEALRUN= in the environment
 * @verbose: say what is not sealed, and why
 * @list: say what is sealed
 * @no_map: never MAP
 * @off: mseal() is not there
 * @has_flags: mseal() knows flags
 * @flags: what mseal() is given, MAP excepted
 * @only: seal only objects whose name fits this pattern; "" for all
 * @except: but not those that fit this one
 */
static struct settings {
	bool verbose, list, no_map, off, has_flags;
	unsigned long flags;
	char only[256], except[256];
} settings = { .flags = MSEAL_PROT | MSEAL_DISCARD };

/*
 * Messages: a line, with one write, to the standard error.
 */

static char line[512];
static size_t line_len;

static void put(const char *text)
{
	while (*text && line_len < sizeof(line) - 1)
		line[line_len++] = *text++;
}

static void put_hex(unsigned long value)
{
	char digits[17];
	int i = sizeof(digits) - 1;

	digits[i] = '\0';
	do {
		digits[--i] = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value);
	put("0x");
	put(digits + i);
}

static void put_line(void)
{
	line[line_len++] = '\n';
	SYSCALL3(__NR_write, 2, line, line_len);
	line_len = 0;
}

static void say(const char *name, const char *what)
{
	put("sealrun: ");
	put(name && *name ? name : "the program");
	put(": ");
	put(what);
	put_line();
}

/*
 * The mappings of the process: by PROCMAP_QUERY, which costs a fraction of reading the
 * text, or from the text where the kernel is older than 6.11.
 */

struct mapping {
	unsigned long start, end;
	bool readable, writable, private;
};

#define MAX_MAPPINGS	4096

/* From the text; allocated when it is read, so that it costs nothing where it is not. */
static struct maps {
	char buf[16384];
	struct mapping mappings[MAX_MAPPINGS];
} *maps;

static int nr_mappings;
static long maps_fd = -1;

/* As in linux/fs.h, which may be older. */
struct map_query {
	uint64_t size, flags, addr, start, end, vma_flags;
	uint64_t unused[7];
};

#define MAP_QUERY		_IOWR('f', 17, struct map_query)
#define MAP_QUERY_READABLE	0x1
#define MAP_QUERY_WRITABLE	0x2
#define MAP_QUERY_SHARED	0x8

static bool query_mapping(unsigned long addr, struct mapping *mapping)
{
	struct map_query query = { .size = sizeof(query), .addr = addr };

	if (SYSCALL3(__NR_ioctl, maps_fd, MAP_QUERY, &query))
		return false;
	*mapping = (struct mapping){
		.start = query.start,
		.end = query.end,
		.readable = query.vma_flags & MAP_QUERY_READABLE,
		.writable = query.vma_flags & MAP_QUERY_WRITABLE,
		.private = !(query.vma_flags & MAP_QUERY_SHARED),
	};
	return true;
}

static unsigned long parse_hex(const char **p)
{
	unsigned long value = 0;

	for (;; (*p)++) {
		const char c = **p;

		if (c >= '0' && c <= '9')
			value = value << 4 | (c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (c - 'a' + 10);
		else
			return value;
	}
}

static bool read_mappings(void)
{
	size_t len = 0;
	bool skip = false;
	long n;

	if (!maps)
		maps = map_memory(sizeof(*maps));
	if (!maps)
		return false;
	while ((n = SYSCALL3(__NR_read, maps_fd, maps->buf + len, sizeof(maps->buf) - len)) > 0) {
		char *at = maps->buf, *end = maps->buf + len + n;

		for (;;) {
			char *newline = at;
			const char *p = at;
			struct mapping *m = &maps->mappings[nr_mappings];

			while (newline < end && *newline != '\n')
				newline++;
			if (newline == end)
				break;
			if (!skip && nr_mappings < MAX_MAPPINGS) {
				m->start = parse_hex(&p);
				p++;
				m->end = parse_hex(&p);
				m->readable = p[1] == 'r';
				m->writable = p[2] == 'w';
				m->private = p[4] == 'p';
				nr_mappings++;
			}
			skip = false;
			at = newline + 1;
		}
		len = end - at;
		if (len == sizeof(maps->buf)) {
			/* A name as long as this: its line is known already, or is lost. */
			skip = true;
			len = 0;
		}
		for (size_t i = 0; i < len; i++)
			maps->buf[i] = at[i];
	}
	return n == 0 && nr_mappings < MAX_MAPPINGS;
}

/* Forget what find_mapping() has found out, once the mappings may have changed. */
static void close_mappings(void)
{
	if (maps_fd >= 0)
		SYSCALL1(__NR_close, maps_fd);
	maps_fd = -1;
	nr_mappings = 0;
}

/* Find out how to get at the mappings. If there is no way, nothing is known to be finished. */
static bool open_mappings(void)
{
	struct mapping mapping;
	bool read = false;

	maps_fd = SYSCALL4(__NR_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
	if (maps_fd < 0 || query_mapping((unsigned long)line, &mapping))
		return maps_fd >= 0;
	read = read_mappings();
	SYSCALL1(__NR_close, maps_fd);
	maps_fd = -1;
	return read;
}

/* Find the mapping that has @addr. close_mappings() comes last. */
static bool find_mapping(unsigned long addr, struct mapping *mapping)
{
	if (maps_fd < 0 && !nr_mappings && !open_mappings())
		return false;
	if (maps_fd >= 0)
		return query_mapping(addr, mapping);

	for (int i = 0; i < nr_mappings; i++) {
		if (addr < maps->mappings[i].end) {
			*mapping = maps->mappings[i];
			return addr >= mapping->start;
		}
	}
	return false;
}

/* Is all of the range mapped, private, and not writable? */
static bool is_finished(unsigned long start, unsigned long end)
{
	struct mapping mapping;

	for (; start < end; start = mapping.end) {
		if (!find_mapping(start, &mapping) || mapping.writable || !mapping.private)
			return false;
	}
	return true;
}

/*
 * Objects
 */

/**
 * struct object - What has to be known of a program or shared object
 * @name: for messages
 * @bias: the address in memory of its address 0
 * @phdr: its program headers
 * @phnum: how many
 * @dynamic: its dynamic section
 * @stays: it is never unloaded
 * @finished: it is known that the loader has relocated and protected all of it
 */
struct object {
	const char *name;
	unsigned long bias;
	const ElfW(Phdr) *phdr;
	size_t phnum;
	const ElfW(Dyn) *dynamic;
	bool stays, finished;
};

static unsigned long page_size = 4096;

static unsigned long page_down(unsigned long addr)
{
	return addr & -page_size;
}

static unsigned long page_up(unsigned long addr)
{
	return (addr + page_size - 1) & -page_size;
}

static void seal_range(const struct object *object, unsigned long start, unsigned long end,
		       bool stays)
{
	unsigned long flags = settings.flags;
	long err;

	if (start >= end)
		return;
	if (stays && !settings.no_map)
		flags |= MSEAL_MAP;
	/* 0 would seal everything. */
	if (!flags)
		return;
	if (!settings.has_flags) {
		/* Without flags the range could not be unmapped either. */
		if (!(flags & MSEAL_MAP)) {
			if (settings.verbose)
				say(object->name,
				    "not sealed: this kernel has no flags for mseal()");
			return;
		}
		flags = 0;
	}
	err = SYSCALL3(__NR_mseal, start, end - start, flags);
	if (err ? settings.verbose : settings.list) {
		put("sealrun: ");
		put(err ? "cannot seal " : "sealed ");
		put_hex(start);
		put("-");
		put_hex(end);
		put(" ");
		put(!flags ? "everything " : "");
		put(flags & MSEAL_MAP ? "MAP " : "");
		put(flags & MSEAL_PROT ? "PROT " : "");
		put(flags & MSEAL_DISCARD ? "DISCARD " : "");
		put("of ");
		put(object->name && *object->name ? object->name : "the program");
		put_line();
	}
}

static bool has_text_relocations(const ElfW(Dyn) *dynamic)
{
	for (; dynamic && dynamic->d_tag != DT_NULL; dynamic++) {
		if (dynamic->d_tag == DT_TEXTREL ||
		    (dynamic->d_tag == DT_FLAGS && dynamic->d_un.d_val & DF_TEXTREL))
			return true;
	}
	return false;
}

static bool is_nodelete(const ElfW(Dyn) *dynamic)
{
	for (; dynamic && dynamic->d_tag != DT_NULL; dynamic++) {
		if (dynamic->d_tag == DT_FLAGS_1 && dynamic->d_un.d_val & DF_1_NODELETE)
			return true;
	}
	return false;
}

static bool is_lazy(const ElfW(Dyn) *dynamic)
{
	bool plt = false, now = false;

	for (; dynamic && dynamic->d_tag != DT_NULL; dynamic++) {
		plt |= dynamic->d_tag == DT_JMPREL;
		now |= dynamic->d_tag == DT_BIND_NOW ||
		       (dynamic->d_tag == DT_FLAGS && dynamic->d_un.d_val & DF_BIND_NOW) ||
		       (dynamic->d_tag == DT_FLAGS_1 && dynamic->d_un.d_val & DF_1_NOW);
	}
	return plt && !now;
}

/* The RELRO of an object, in whole pages as the loader protects it. */
static bool find_relro(const struct object *object, unsigned long *start, unsigned long *end)
{
	for (size_t i = 0; i < object->phnum; i++) {
		const ElfW(Phdr) *ph = &object->phdr[i];

		if (ph->p_type != PT_GNU_RELRO)
			continue;
		*start = page_down(object->bias + ph->p_vaddr);
		*end = page_down(object->bias + ph->p_vaddr + ph->p_memsz);
		return *start < *end;
	}
	return false;
}

/*
 * Seal what is finished of an object. close_mappings() comes after the last one.
 *
 * Return: false if its RELRO is not in force yet, or its text may yet be relocated: call
 * this again later.
 */
static bool seal_object(const struct object *object)
{
	unsigned long start = 0, end = 0, relro_start = 0, relro_end = 0;
	bool relro = find_relro(object, &relro_start, &relro_end);
	/* Until then the loader may give the object up, and unmap it. */
	bool finished = object->finished || !relro || is_finished(relro_start, relro_end);
	bool stays = finished && (object->stays || is_nodelete(object->dynamic));
	bool textrel;

	if ((settings.only[0] && !fits(settings.only, object->name)) ||
	    (settings.except[0] && fits(settings.except, object->name)))
		return true;
	/* Only these make a segment writable whose program header does not say so. */
	textrel = !object->finished && has_text_relocations(object->dynamic);
	if (!finished && textrel)
		return false;

	/* Neighbours by one call. */
	for (size_t i = 0; i < object->phnum; i++) {
		const ElfW(Phdr) *ph = &object->phdr[i];
		unsigned long from = page_down(object->bias + ph->p_vaddr);
		unsigned long to = page_up(object->bias + ph->p_vaddr + ph->p_memsz);

		if (ph->p_type != PT_LOAD || ph->p_flags & PF_W)
			continue;
		if (textrel && !is_finished(from, to)) {
			if (settings.verbose)
				say(object->name, "a segment is writable in memory: not sealed");
			continue;
		}
		if (from != end) {
			seal_range(object, start, end, stays);
			start = from;
		}
		end = to;
	}
	if (finished && relro && relro_start == end) {
		end = relro_end;
		relro = false;
	}
	seal_range(object, start, end, stays);
	if (!finished)
		return false;
	if (relro)
		seal_range(object, relro_start, relro_end, stays);
	if (settings.verbose && is_lazy(object->dynamic))
		say(object->name, "binds lazily, so its .got.plt stays writable (--bind-now)");
	return true;
}

/*
 * Settings
 */

static void set_pattern(char *to, const char *pattern, size_t len)
{
	if (len > sizeof(settings.only) - 1)
		len = sizeof(settings.only) - 1;
	memcpy(to, pattern, len);
	to[len] = '\0';
}

/* As in "seals=map+prot+discard". */
static void set_seals(const char *words, size_t len)
{
	settings.flags = 0;
	settings.no_map = true;
	for (size_t i = 0; i < len; i++) {
		if (same(words + i, "map", 3))
			settings.no_map = false;
		else if (same(words + i, "prot", 4))
			settings.flags |= MSEAL_PROT;
		else if (same(words + i, "discard", 7))
			settings.flags |= MSEAL_DISCARD;
		while (i < len && words[i] != '+')
			i++;
	}
}

/* A word of SEALRUN=, up to a comma. */
static void set_option(const char *word, size_t len)
{
	if (same(word, "only=", 5))
		return set_pattern(settings.only, word + 5, len - 5);
	if (same(word, "except=", 7))
		return set_pattern(settings.except, word + 7, len - 7);
	if (same(word, "seals=", 6))
		return set_seals(word + 6, len - 6);
	if (len == 7 && same(word, "verbose", 7))
		settings.verbose = true;
	else if (len == 4 && same(word, "list", 4))
		settings.list = true;
	else if (len == 6 && same(word, "no-map", 6))
		settings.no_map = true;
}

static void set_options(const char *words)
{
	while (*words) {
		size_t len = 0;

		while (words[len] && words[len] != ',')
			len++;
		set_option(words, len);
		words += len + (words[len] == ',');
	}
}

/* Read SEALRUN= from the environment that the program was started with. */
static void read_environment(char **environment)
{
	for (; environment && *environment; environment++) {
		if (same(*environment, "SEALRUN=", 8))
			set_options(*environment + 8);
	}
}

/* What does the kernel know? A call of length 0 seals nothing. */
static void probe_kernel(void)
{
	if (!SYSCALL3(__NR_mseal, 0, 0, MSEAL_MAP | MSEAL_PROT | MSEAL_DISCARD)) {
		settings.has_flags = true;
	} else if (SYSCALL3(__NR_mseal, 0, 0, 0)) {
		settings.off = true;
		if (settings.verbose)
			say("this kernel", "has no mseal(): nothing is sealed");
	}
}

#endif /* SEALRUN_CORE_H */
