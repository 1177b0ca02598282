// SPDX-License-Identifier: GPL-2.0-only
/*
 * A dynamic program that knows nothing of seals and attacks itself: what of it can be
 * turned back, reprotected and replaced? As the program it prints a line for each attack;
 * with -DPLUGIN it is the object that the program loads.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE	4096
#define ROUNDS	200

static int target;
/* RELRO: a pointer that the loader has relocated, on pages of its own. */
static int *const relocated[PAGE / sizeof(int *)] __attribute__((aligned(PAGE))) = { &target };
static const char rodata[2 * PAGE] __attribute__((aligned(PAGE))) = { 'r' };

__attribute__((aligned(PAGE))) static void text(void)
{
	__asm__ volatile(".skip 4096, 0x90");
}

/* Where its own parts are. */
struct parts {
	int *const *relocated;
	const char *rodata;
	void (*text)(void);
};

struct parts plugin_parts(void);
struct parts plugin_parts(void)
{
	return (struct parts){ relocated, rodata, text };
}

#ifndef PLUGIN

static void report(const char *part, const char *what, int failed)
{
	printf("%s: %s: %s\n", part, what, failed ? strerrorname_np(errno) : "done");
}

static void attack(const char *part, const struct parts *parts)
{
	void *page = (void *)parts->relocated;
	int *was = *parts->relocated;
	int err;

	err = madvise(page, PAGE, MADV_DONTNEED);
	printf("%s: RELRO, MADV_DONTNEED: %s\n", part, err ? strerrorname_np(errno) :
	       *(int *volatile *)page == was ? "nothing has changed" : "reverted");
	report(part, "RELRO, mprotect", mprotect(page, PAGE, PROT_READ | PROT_WRITE));
	report(part, "text, mprotect",
	       mprotect((void *)parts->text, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	report(part, "read-only data, MAP_FIXED",
	       mmap((void *)parts->rodata, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		    -1, 0) == MAP_FAILED);
}

static int nr_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int c, nr = 0;

	while ((c = getc(maps)) != EOF)
		nr += c == '\n';
	fclose(maps);
	return nr;
}

static void *load(const char *path)
{
	void *handle = dlopen(path, RTLD_NOW);

	if (!handle)
		printf("dlopen: %s\n", dlerror());
	return handle;
}

static void *rounds(void *path)
{
	for (int i = 0; i < ROUNDS; i++) {
		void *handle = load(path);

		if (!handle || dlclose(handle))
			return "failed";
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const struct parts own = plugin_parts();
	struct parts (*get)(void);
	struct parts parts;
	pthread_t threads[2];
	void *handle, *other, *wrong;
	int before, after;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc != 3)
		return 2;

	/* Errors of dlopen() are the loader's. */
	if (!dlopen("/no/such.so", RTLD_NOW))
		printf("no object: %s\n", dlerror());

	rounds(argv[1]);
	before = nr_mappings();
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, rounds, argv[1 + i]);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], &wrong);
		if (wrong)
			printf("rounds: %s\n", (char *)wrong);
	}
	/* The stacks of the threads stay for the next ones, so compare with the same. */
	after = nr_mappings();
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, rounds, argv[1 + i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], &wrong);
	printf("rounds: %s\n", nr_mappings() <= after && after < before + 10 ?
	       "no mapping is left" : "mappings are left");

	handle = load(argv[1]);
	/* glibc before 2.41 reports a dlopen() before it protects RELRO. */
	other = load(argv[2]);
	if (!handle || !other)
		return 1;
	get = (struct parts (*)(void))dlsym(handle, "plugin_parts");
	parts = get();
	attack("plugin", &parts);
	attack("program", &own);
	return 0;
}

#endif
