/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Class memprotect: permissions to seal mappings and to write to sealed
 * mappings.
 */
#ifndef _SELINUX_MEMPROTECT_H_
#define _SELINUX_MEMPROTECT_H_

#include <linux/forced_write.h>
#include <linux/types.h>

struct cred;
struct selinux_mapping;
struct vm_area_struct;

int selinux_mseal(struct vm_area_struct *vma, unsigned long start,
		  unsigned long end, unsigned long flags);
int selinux_vma_forced_write(struct vm_area_struct *vma, unsigned long start,
			     unsigned long end, enum forced_write_origin origin,
			     const struct cred *opener);
bool selinux_allow_undefined(struct selinux_mapping *mapping, u16 tclass,
			     u32 perms);

#endif /* _SELINUX_MEMPROTECT_H_ */
