// SPDX-License-Identifier: GPL-2.0-only
/*
 * sealrun as an audit module of the dynamic linker (rtld-audit(7)). The linker tells of
 * each object that it loads, in the order in which that happens:
 *
 * - la_objopen(): it is mapped;
 * - la_activity(LA_ACT_CONSISTENT): all objects of a dlopen() are mapped. glibc 2.41
 *   has relocated them by then and protected their RELRO, earlier ones do that later;
 * - la_preinit(): all objects of the program are relocated, and nothing of it runs yet;
 * - la_objclose(): it is about to be unmapped.
 *
 * No object asks for symbol bindings, so calls between objects cost nothing. RELRO that is
 * not in force when a dlopen() is reported is sealed at the next one, or at a dlclose(). The
 * linker calls all of these under its own lock.
 */
#include "core.h"

#define EXPORT		__attribute__((visibility("default")))
#define FEW_OBJECTS	64

/* What the kernel told the program on its stack: the program headers. */
static const ElfW(Phdr) *program_phdr;
static size_t program_phnum;

static size_t nr_entries;
static bool running;

/**
 * struct entry - An object that is loaded
 * @map: the linker's entry, which stays until la_objclose()
 * @sealed: nothing is left to be done
 * @initial: it was loaded before the program began, so it is never unloaded
 */
static struct entry {
	struct link_map *map;
	bool sealed, initial;
} few_entries[FEW_OBJECTS], *entries = few_entries;

static size_t max_entries = FEW_OBJECTS;

/* Room for twice as many. Most programs need none. */
static bool grow_entries(void)
{
	const size_t size = 2 * max_entries * sizeof(*entries);
	struct entry *more = map_memory(size);

	if (!more)
		return false;
	memcpy(more, entries, nr_entries * sizeof(*entries));
	if (entries != few_entries)
		SYSCALL3(__NR_munmap, entries, size / 2, 0);
	entries = more;
	max_entries *= 2;
	return true;
}

/* The vDSO is the kernel's: see kernel.mseal_system_mappings. */
static bool is_vdso(const struct link_map *map)
{
	return same(map->l_name, "linux-vdso.so", 13);
}

/*
 * The address of what is in an entry of the dynamic section. The linker has relocated it,
 * unless the section is read-only.
 */
static unsigned long find_table(const struct link_map *map, long tag)
{
	for (const ElfW(Dyn) *dyn = map->l_ld; dyn->d_tag != DT_NULL; dyn++) {
		if (dyn->d_tag == tag)
			return dyn->d_un.d_ptr < map->l_addr ? map->l_addr + dyn->d_un.d_ptr :
				dyn->d_un.d_ptr;
	}
	return 0;
}

/* The address of a symbol of an object, by the hash table of GNU. */
static unsigned long find_symbol(const struct link_map *map, const char *name)
{
	const uint32_t *table = (const uint32_t *)find_table(map, DT_GNU_HASH), *buckets, *chain;
	const ElfW(Sym) *symbols = (const ElfW(Sym) *)find_table(map, DT_SYMTAB);
	const char *names = (const char *)find_table(map, DT_STRTAB);
	uint32_t hash = 5381;

	if (!table || !symbols || !names)
		return 0;
	for (const char *p = name; *p; p++)
		hash = hash * 33 + (unsigned char)*p;
	/* Number of buckets, first symbol, words of the filter, its shift. */
	buckets = table + 4 + table[2] * (sizeof(long) / sizeof(*table));
	chain = buckets + table[0];
	for (uint32_t i = buckets[hash % table[0]]; i >= table[1]; i++) {
		const uint32_t link = chain[i - table[1]];

		if ((link | 1) == (hash | 1) &&
		    same(names + symbols[i].st_name, name, (size_t)-1))
			return map->l_addr + symbols[i].st_value;
		if (link & 1)
			break;
	}
	return 0;
}

/*
 * Read the stack as it was at the start: argc, argv, the environment, auxv. The linker
 * knows where it is. A module linked with the linker would say so in one line, but then
 * each program that starts would open the linker's file, and its cache, once more.
 */
static void read_stack(const struct link_map *linker)
{
	char ***stack_end = (char ***)find_symbol(linker, "__libc_stack_end");
	char **environment, **p;
	const ElfW(auxv_t) *auxv;

	if (!stack_end)
		return;
	for (p = *stack_end + 1; *p; p++)
		;
	environment = ++p;
	while (*p)
		p++;
	for (auxv = (void *)(p + 1); auxv->a_type != AT_NULL; auxv++) {
		if (auxv->a_type == AT_PHDR)
			program_phdr = (const void *)auxv->a_un.a_val;
		else if (auxv->a_type == AT_PHNUM)
			program_phnum = auxv->a_un.a_val;
		else if (auxv->a_type == AT_PAGESZ)
			page_size = auxv->a_un.a_val;
	}
	read_environment(environment);
}

/*
 * The linker maps the ELF header of an object at its bias, as a rule. It has read a hash
 * table, which begins in the same page, again as a rule: then that can be read.
 */
static bool can_read_header(const struct link_map *map)
{
	struct mapping mapping;

	if (page_down(find_table(map, DT_GNU_HASH)) == map->l_addr ||
	    page_down(find_table(map, DT_HASH)) == map->l_addr)
		return true;

	return find_mapping(map->l_addr, &mapping) && mapping.start == map->l_addr &&
	       mapping.readable;
}

/* Find the program headers of an object. */
static bool find_object(const struct entry *entry, struct object *object)
{
	const struct link_map *map = entry->map;
	const ElfW(Ehdr) *ehdr = (const ElfW(Ehdr) *)map->l_addr;
	/* Of a program at a fixed address, which has a bias of 0. */
	const ElfW(Phdr) *phdr = program_phdr;
	size_t phnum = program_phnum;

	if (map->l_addr) {
		if (!can_read_header(map) || !same((const char *)ehdr->e_ident, ELFMAG, SELFMAG) ||
		    ehdr->e_phentsize != sizeof(*phdr) ||
		    ehdr->e_phoff + ehdr->e_phnum * sizeof(*phdr) > page_size)
			return false;
		phdr = (const void *)(map->l_addr + ehdr->e_phoff);
		phnum = ehdr->e_phnum;
	}

	*object = (struct object){
		.name = map->l_name,
		.bias = map->l_addr,
		.phdr = phdr,
		.phnum = phnum,
		.dynamic = map->l_ld,
		.stays = entry->initial,
		.finished = entry->initial,
	};
	/* Is it that object? Its dynamic section is where the linker has it. */
	for (size_t i = 0; i < object->phnum; i++) {
		if (object->phdr[i].p_type == PT_DYNAMIC)
			return object->bias + object->phdr[i].p_vaddr == (unsigned long)map->l_ld;
	}
	return false;
}

static void seal_all(void)
{
	if (settings.off)
		return;
	for (size_t i = 0; i < nr_entries; i++) {
		struct entry *entry = &entries[i];
		struct object object;

		if (entry->sealed)
			continue;
		if (find_object(entry, &object)) {
			entry->sealed = seal_object(&object);
		} else {
			entry->sealed = true;
			if (settings.verbose)
				say(entry->map->l_name, "no program headers found: not sealed");
		}
	}
	close_mappings();
}

EXPORT unsigned int la_version(unsigned int version)
{
	/* The interface has not changed for what is used here. */
	return version < LAV_CURRENT ? version : LAV_CURRENT;
}

EXPORT unsigned int la_objopen(struct link_map *map, Lmid_t lmid, uintptr_t *cookie)
{
	if (lmid != LM_ID_BASE || is_vdso(map))
		return 0;
	if (nr_entries == max_entries && !grow_entries()) {
		if (settings.verbose)
			say(map->l_name, "no memory for one object more: not sealed");
		return 0;
	}
	entries[nr_entries++] = (struct entry){ .map = map, .initial = !running };
	/* The program comes first, the linker second. */
	if (nr_entries == 2)
		read_stack(map);
	return 0;
}

EXPORT void la_preinit(uintptr_t *cookie)
{
	probe_kernel();
	running = true;
	seal_all();
}

EXPORT void la_activity(uintptr_t *cookie, unsigned int flag)
{
	if (running)
		seal_all();
}

EXPORT unsigned int la_objclose(uintptr_t *cookie)
{
	/* The cookie is the object's link map, unless la_objopen() sets it. */
	for (size_t i = 0; i < nr_entries; i++) {
		if ((uintptr_t)entries[i].map == *cookie) {
			entries[i] = entries[--nr_entries];
			break;
		}
	}
	return 0;
}
