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
#define MAX_OBJECTS	4096

/**
 * struct entry - An object that is loaded
 * @map: the linker's entry, which stays until la_objclose()
 * @sealed: nothing is left to be done
 * @initial: it was loaded before the program began, so it is never unloaded
 */
static struct entry {
	struct link_map *map;
	bool sealed, initial;
} entries[MAX_OBJECTS];

static int nr_entries;
static bool running;

/* The vDSO is the kernel's: see kernel.mseal_system_mappings. */
static bool is_vdso(const struct link_map *map)
{
	return same(map->l_name, "linux-vdso.so", 13);
}

/* Where an object begins: the linker maps its ELF header at the lowest address. */
static bool find_object(const struct link_map *map, bool initial, struct object *object)
{
	unsigned long header = map->l_addr;
	const ElfW(Ehdr) *ehdr;
	unsigned long dynamic = (unsigned long)map->l_ld;

	/* A program at a fixed address has a bias of 0: take the mapping below. */
	if (!header) {
		for (int i = 0; i < nr_mappings; i++) {
			if (mappings[i].start > dynamic)
				break;
			/* The first one of a run without gaps. */
			if (!i || mappings[i - 1].end != mappings[i].start)
				header = mappings[i].start;
		}
	}
	for (int i = 0; ; i++) {
		if (i == nr_mappings || mappings[i].start > header)
			return false;
		if (mappings[i].start == header)
			break;
	}
	ehdr = (const ElfW(Ehdr) *)header;
	if (!same((const char *)ehdr->e_ident, ELFMAG, SELFMAG) ||
	    ehdr->e_phentsize != sizeof(ElfW(Phdr)) ||
	    ehdr->e_phoff + ehdr->e_phnum * sizeof(ElfW(Phdr)) > page_size)
		return false;

	*object = (struct object){
		.name = map->l_name,
		.bias = map->l_addr,
		.phdr = (const ElfW(Phdr) *)(header + ehdr->e_phoff),
		.phnum = ehdr->e_phnum,
		.dynamic = map->l_ld,
		.stays = initial,
	};
	/* Is it that object? Its dynamic section is where the linker has it. */
	for (size_t i = 0; i < object->phnum; i++) {
		if (object->phdr[i].p_type == PT_DYNAMIC)
			return object->bias + object->phdr[i].p_vaddr == dynamic;
	}
	return false;
}

static void seal_all(void)
{
	bool left = false;

	if (settings.off)
		return;
	for (int i = 0; i < nr_entries; i++)
		left |= !entries[i].sealed;
	if (!left)
		return;
	if (!read_mappings()) {
		if (settings.verbose)
			say("/proc/self/maps", "cannot be read: nothing is sealed");
		return;
	}

	for (int i = 0; i < nr_entries; i++) {
		struct entry *entry = &entries[i];
		struct object object;

		if (entry->sealed)
			continue;
		if (find_object(entry->map, entry->initial, &object)) {
			entry->sealed = seal_object(&object);
		} else {
			entry->sealed = true;
			if (settings.verbose)
				say(entry->map->l_name, "no program headers found: not sealed");
		}
	}
}

EXPORT unsigned int la_version(unsigned int version)
{
	read_environment();
	probe_kernel();
	/* The interface has not changed for what is used here. */
	return version < LAV_CURRENT ? version : LAV_CURRENT;
}

EXPORT unsigned int la_objopen(struct link_map *map, Lmid_t lmid, uintptr_t *cookie)
{
	if (lmid != LM_ID_BASE || is_vdso(map))
		return 0;
	if (nr_entries == MAX_OBJECTS) {
		if (settings.verbose)
			say(map->l_name, "too many objects: not sealed");
		return 0;
	}
	entries[nr_entries++] = (struct entry){ .map = map, .initial = !running };
	return 0;
}

EXPORT void la_preinit(uintptr_t *cookie)
{
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
	for (int i = 0; i < nr_entries; i++) {
		if ((uintptr_t)entries[i].map == *cookie) {
			entries[i] = entries[--nr_entries];
			break;
		}
	}
	return 0;
}
