// SPDX-License-Identifier: GPL-2.0-only
/*
 * sealrun as a library: by LD_PRELOAD, by /etc/ld.so.preload for a whole system, or linked
 * with a program (DT_NEEDED). Its constructor seals what is loaded then. It does not see
 * what dlopen() loads later: for that there is the audit module.
 *
 * It needs environ and dl_iterate_phdr() of the C library that the program has anyway,
 * glibc or musl, and nothing else of it.
 */
#define _GNU_SOURCE
#include <unistd.h>

#include "core.h"

static int seal_one(struct dl_phdr_info *info, size_t size, void *data)
{
	struct object object = {
		.name = info->dlpi_name,
		.bias = info->dlpi_addr,
		.phdr = info->dlpi_phdr,
		.phnum = info->dlpi_phnum,
		.stays = true,
	};

	for (size_t i = 0; i < object.phnum; i++) {
		if (object.phdr[i].p_type == PT_DYNAMIC)
			object.dynamic = (const void *)(object.bias + object.phdr[i].p_vaddr);
	}
	/* The vDSO is the kernel's: see kernel.mseal_system_mappings. */
	if (same(object.name, "linux-vdso.so", 13))
		return 0;
	seal_object(&object);
	return 0;
}

__attribute__((constructor)) static void seal_initial(void)
{
	read_environment(environ);
	probe_kernel();
	if (settings.off)
		return;
	dl_iterate_phdr(seal_one, NULL);
	close_mappings();
}
