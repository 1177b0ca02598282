// SPDX-License-Identifier: GPL-2.0-only
/*
 * What reports about sealed memory have in common: logs, audit records and the trace
 * events of include/trace/events/mseal.h, which Documentation/trace/events-mseal.rst
 * describes.
 */

#include <linux/audit.h>
#include <linux/cleanup.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include <linux/vma_attr.h>

#define CREATE_TRACE_POINTS
#include <trace/events/mseal.h>

/**
 * mm_owner_pid() - Which process does an address space belong to?
 * @mm: the address space
 *
 * For logs and trace events: processes that share @mm are not told apart.
 *
 * Context: any in which rcu_read_lock() is permitted.
 * Return: the process ID in the initial namespace, 0 if the kernel does not know
 * (another process, without CONFIG_MEMCG).
 */
pid_t mm_owner_pid(const struct mm_struct *mm)
{
	struct task_struct *owner = NULL;

	guard(rcu)();
	if (mm == current->mm)
		owner = current;
#ifdef CONFIG_MEMCG
	else
		owner = rcu_dereference(mm->owner);
#endif
	return owner ? task_tgid_nr(owner) : 0;
}

/**
 * mseal_quote_name() - Copy a name so that it can stand between quotes in a log
 * @to: where to
 * @size: room there; four times that of @name is enough
 * @name: chosen by its process or by the owner of a file, so that it may look like a line
 *	of the log or like the end of the name
 */
void mseal_quote_name(char *to, size_t size, const char *name)
{
	int len;

	len = string_escape_mem(name, strlen(name), to, size - 1,
				ESCAPE_HEX | ESCAPE_NAP | ESCAPE_APPEND, "\"\\");
	to[min_t(size_t, len, size - 1)] = '\0';
}

#ifdef CONFIG_AUDIT

/**
 * audit_log_seals() - Write seals into an audit record, as in "seals=map,prot"
 * @ab: the record
 * @field: the name of the field
 * @seals: mask of SEAL_*; without any the record has no such field
 */
void audit_log_seals(struct audit_buffer *ab, const char *field, unsigned int seals)
{
	static const struct {
		unsigned int seal;
		const char *name;
	} names[] = {
		{ SEAL_MAP,		"map" },
		{ SEAL_PROT,		"prot" },
		{ SEAL_DISCARD,		"discard" },
		{ SEAL_DISCARD_WEAK,	"discard-weak" },
	};
	char separator = '=';
	unsigned int i;

	/* It implies the weak discard rule. */
	if (seals & SEAL_DISCARD)
		seals &= ~SEAL_DISCARD_WEAK;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(seals & names[i].seal))
			continue;
		if (separator == '=')
			audit_log_format(ab, " %s", field);
		audit_log_format(ab, "%c%s", separator, names[i].name);
		separator = ',';
	}
}

/**
 * audit_log_vma_file() - Write into an audit record what a mapping maps
 * @ab: the record
 * @vma: the mapping
 *
 * The file is named as in /proc/PID/maps: on overlayfs it is the overlay's file, not the
 * backing one. The fields are always the same: "?" stands for the file of anonymous
 * memory.
 *
 * Context: mmap lock or VMA lock, which keep the mapping and its file.
 */
void audit_log_vma_file(struct audit_buffer *ab, const struct vm_area_struct *vma)
{
	const struct file *file = vma->vm_file;
	const struct inode *inode;

	if (!file) {
		audit_log_format(ab, " path=? dev=? ino=?");
		return;
	}

	inode = file_user_inode(file);
	audit_log_d_path(ab, " path=", file_user_path(file));
	audit_log_format(ab, " dev=");
	audit_log_untrustedstring(ab, inode->i_sb->s_id);
	audit_log_format(ab, " ino=%llu", inode->i_ino);
}

#endif /* CONFIG_AUDIT */
