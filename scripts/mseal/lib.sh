# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # read by the scripts that source this file
#
# What the scripts of this directory share. Sourced, not run.
#
# From the environment:
#   BUILD         where everything is built            (default: build/)
#   OVERLAY_ROOT  the tree whose files are applied     (default: this repository)
#   BASE_VERSION  the one kernel version to take as the base (default: see in_series)

export LC_ALL=C
umask 022

MSEAL_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
TOP=$(cd "$MSEAL_DIR/../.." && pwd -P)
OVERLAY_ROOT=$(realpath -m -- "${OVERLAY_ROOT:-$TOP}")
BUILD=$(realpath -m -- "${BUILD:-$TOP/build}")
BASE_OLDEST=7.3.4
BASE_SERIES=${BASE_OLDEST%.*}
BASE_VERSION=${BASE_VERSION:-}
ME=${0##*/}

note() { printf '%s: %s\n' "$ME" "$*" >&2; }
warn() { printf '%s: warning: %s\n' "$ME" "$*" >&2; }
die() { printf '%s: error: %s\n' "$ME" "$*" >&2; exit 1; }

# A path as the user would write it: relative to the current directory, if below it.
shown() {
	case $1 in
	"$PWD"/*) printf '%s' "${1#"$PWD"/}" ;;
	*) printf '%s' "$1" ;;
	esac
}

cache_dir() {
	local base=${XDG_CACHE_HOME:-}

	if [[ -z $base ]]; then
		[[ -n ${HOME:-} ]] || die "neither XDG_CACHE_HOME nor HOME is set: set one, the kernel source is cached below it"
		base=$HOME/.cache
	fi
	printf '%s/mseal-attr' "$base"
}

# apt_knows FORMAT: a line per Debian archive of this machine's apt, the security
# archives aside (they hold no other suites). FORMAT is "uri" or "suite".
apt_knows() {
	local what=$1 known

	# shellcheck disable=SC2016 # apt's own substitutions
	known=$(apt-get indextargets --format '$(ORIGIN) $(RELEASE) $(REPO_URI)' \
		'Created-By: Packages' 2>/dev/null |
		awk '$1 == "Debian" && $2 !~ /security/ { print $3, $2 }') || true
	# Without lists (a fresh container) apt knows no targets yet, but it can
	# say what it would fetch.
	[[ -n $known ]] || known=$(apt-get update --print-uris 2>/dev/null |
		sed -n "s,^'\\(.*/\\)dists/\\([^/]*\\)/InRelease'.*,\\1 \\2,p" |
		awk '$1 ~ /debian/ && $0 !~ /security/') || true
	if [[ $what == uri ]]; then
		cut -s -d' ' -f1 <<<"$known"
	else
		cut -s -d' ' -f2 <<<"$known"
	fi | awk '!seen[$0]++'
}

# progress PID COMMAND...: while PID runs, a line of what COMMAND prints and the
# seconds: rewritten each second on a terminal, one every 30 s elsewhere
progress() {
	local pid=$1 start=$SECONDS next=30 line shown_line=''
	shift

	while kill -0 "$pid" 2>/dev/null; do
		sleep 1
		((SECONDS - start >= 2)) || continue
		line=$("$@")
		[[ -n $line ]] || continue
		line+=", $((SECONDS - start)) s"
		if [[ -t 2 ]]; then
			# \e[K: the rest of a longer line goes
			printf '\r%s: %s \e[K' "$ME" "$line" >&2
			shown_line=1
		elif ((SECONDS - start >= next)); then
			note "$line"
			next=$((next + 30))
		fi
	done
	[[ -z $shown_line ]] || printf '\n' >&2
}

# use_ccache [PREFIX]: set CC to PREFIXgcc, with ccache if it is there, and what
# makes ccache hit in another clone (paths relative to BUILD) and not preprocess
# everything twice on a miss (depend mode, which takes the compiler's own list of
# headers).
use_ccache() {
	CC=${1:-}gcc
	command -v ccache >/dev/null || return 0
	CC="ccache $CC"
	export CCACHE_DIR=${CCACHE_DIR:-$(cache_dir)/ccache}
	export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$BUILD} CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1
	export CCACHE_SLOPPINESS=include_file_ctime,include_file_mtime,time_macros
	export CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-8G}
}

# kernel_version DIR: "7.3.4", or nothing if DIR holds no kernel's Makefile
kernel_version() {
	[[ -r $1/Makefile ]] || return 0
	awk '$2 == "=" && $1 ~ /^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION)$/ { v[$1] = $3 }
	     NR > 20 { exit }
	     END { if (v["VERSION"] != "" && v["PATCHLEVEL"] != "")
			print v["VERSION"] "." v["PATCHLEVEL"] \
			      (v["SUBLEVEL"] == "" || v["SUBLEVEL"] == "0" ? "" : "." v["SUBLEVEL"]) \
			      v["EXTRAVERSION"] }' "$1/Makefile"
}

# in_series VERSION: it is a patch level of the series that the patches are made for
in_series() {
	local level=${1#"$BASE_SERIES".}

	level=${level%%[!0-9]*}
	[[ $1 == "$BASE_SERIES".[0-9]* ]] && ((10#$level >= ${BASE_OLDEST##*.}))
}

# check_kernel_tree DIR NAME: die unless DIR is a kernel that knows mseal
check_kernel_tree() {
	local dir=$1 name=$2 version

	[[ -f $dir/Makefile ]] ||
		die "$name is not a kernel tree: it has no top-level Makefile (a tarball must hold one top directory)"
	version=$(kernel_version "$dir")
	[[ -n $version ]] ||
		die "$name is not a kernel tree: its Makefile sets no VERSION and PATCHLEVEL"
	[[ -f $dir/mm/mseal.c ]] ||
		die "$name (Linux $version) has no mm/mseal.c: give Linux $BASE_SERIES, mseal came with 6.10"
	in_series "$version" ||
		warn "$name is Linux $version; the patches are made for $BASE_SERIES, from $BASE_OLDEST on, and may not apply"
}

# check_word NAME VALUE ALLOWED...
check_word() {
	local name=$1 value=$2 word
	shift 2

	for word in "$@"; do
		[[ $value == "$word" ]] && return 0
	done
	die "$name=$value: there is no such $name; it is one of: $*"
}

# config_lost CONFIG FRAGMENT...: print "fragment:line: ..." for each line of the
# fragments that CONFIG does not honour, and fail if there was one. Kconfig drops
# a symbol whose dependencies are not met without a word.
config_lost() {
	local config=$1
	shift

	# The name and not NR==FNR tells the files apart: an empty .config has
	# no line for which that would hold.
	CONFIG_FILE=$config awk '
	FILENAME == ENVIRON["CONFIG_FILE"] {
		if ($0 ~ /^CONFIG_[A-Za-z0-9_]+=/)
			have[substr($0, 1, index($0, "=") - 1)] = substr($0, index($0, "=") + 1)
		next
	}
	{
		n = split(FILENAME, part, "/")
		at = part[n] ":" FNR ": "
	}
	/^CONFIG_[A-Za-z0-9_]+=/ {
		sym = substr($0, 1, index($0, "=") - 1)
		want = substr($0, index($0, "=") + 1)
		got = (sym in have) ? have[sym] : "n"
		if (got != want) {
			print at sym " is " got ", wanted " want
			lost = 1
		}
		next
	}
	/^# CONFIG_[A-Za-z0-9_]+ is not set$/ {
		if ($2 in have && have[$2] != "n") {
			print at $2 " is " have[$2] ", wanted n"
			lost = 1
		}
		next
	}
	/^[[:space:]]*(#|$)/ { next }
	{
		print at "not a line of a configuration: " $0
		lost = 1
	}
	END { exit lost }' "$config" "$@"
}

# harness_tree DIR: a copy in DIR of what tools/testing/vma of the patched tree
# includes, for it builds where it stands; what was built there stays. Sets VMA to
# the directory to run make in.
harness_tree() {
	mkdir -p "$1"
	rsync -a --delete --exclude=/tools/testing/vma/generated --filter='protect *.o' \
		--filter='protect *.gcno' --filter='protect *.gcda' --filter='protect idr.c' \
		--filter='protect radix-tree.c' --filter='protect /tools/testing/vma/vma' \
		--filter='protect /tools/testing/vma/fuzz' \
		--include=/tools/ --include=/tools/include/*** --include=/tools/lib/*** \
		--include=/tools/arch/*** --include=/tools/scripts/*** \
		--include=/tools/testing/ --include=/tools/testing/vma/*** \
		--include=/tools/testing/shared/*** --include=/tools/testing/radix-tree/*** \
		--exclude=/tools/** --include=/mm/*** --include=/lib/ --include=/lib/*.[ch] \
		--include=/include/*** --include=/arch/ --include=/arch/x86/ \
		--include=/arch/x86/include/*** --exclude=* "$BUILD/linux/" "$1/"
	VMA=$1/tools/testing/vma
}

# make_harness ARGUMENT...: build in what harness_tree() made. Not optimised: that
# takes a minute, and the tests a second.
make_harness() {
	plain_make -s -C "$VMA" -j"$(nproc)" "$@"
}

# run_harness LOG PROGRAM...: run it; what the sanitizers or VM_WARN_ON() have to say
# is an error. VM_WARN_ON() prints and goes on, and so would UBSan.
run_harness() {
	local log=$1 status=0
	shift

	UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "$@" >"$log" 2>&1 || status=$?
	cat "$log"
	if grep -qi 'assertion failed' "$log"; then
		die "mm/vma.c or mm/vma_attr.c warned, see 'assertion failed' above"
	fi
	return "$status"
}

# plain_make ARGUMENT...: make, for makefiles of the kernel's tree. What the caller's make
# put into the environment is not meant for them.
plain_make() {
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u KERNEL -u GUEST -u CONFIG -u ARCH \
		-u CROSS_COMPILE -u O make "$@" </dev/null
}

# kernel_make TREE OUT ARGUMENT...: the kernel's make, out of tree and silent, with what
# use_ccache set.
kernel_make() {
	local tree=$1 out=$2
	shift 2

	plain_make -s -C "$tree" O="$out" CC="$CC" HOSTCC="$CC" -j"$(nproc)" "$@"
}

# kconfig_text TREE: all that says which configurations a kernel has.
kconfig_text() {
	(cd "$1" && find . -name 'Kconfig*' -type f -print0 | sort -z | xargs -0 cat)
}

# kbuild_words TREE OUT SRCARCH DIR: what the makefile of DIR, '.' for the top, says is
# in it, objects and directories ("DIR/"), in the configuration in OUT. The top
# one leaves lib/ to the top Makefile.
kbuild_words() {
	local file=$1/$4/Kbuild

	[[ -f $file ]] || file=$1/$4/Makefile
	make -s --no-print-directory -f - -C "$1" TREE="$1" O="$2" SRCARCH="$3" \
		DIR="$4" FILE="$file" <<-'EOF' | tr '\n' ' '
		all: ;
		include $(O)/include/config/auto.conf
		srctree := $(TREE)
		src := $(TREE)/$(DIR)
		obj := $(DIR)
		include $(TREE)/scripts/Kbuild.include
		include $(FILE)
		$(info $(foreach v,$(filter %-y %-m %-objs,$(.VARIABLES)),$($v)) \
			$(if $(filter .,$(DIR)),lib/))
	EOF
}

# enabled_objects TREE OUT SRCARCH FILE.c...: the objects of these files that the
# configuration in OUT has, one a line: the makefile of their directory has the object,
# and that of each directory above has the one below.
enabled_objects() {
	local tree=$1 out=$2 srcarch=$3 file dir name enabled
	local -A words=()
	shift 3

	for file in "$@"; do
		dir=${file%/*} name=${file##*/} name=${name%.c}.o enabled=yes
		while [[ $enabled && $name ]]; do
			# A directory without a makefile is entered by that of its parent.
			until [[ $dir == . || -f $tree/$dir/Kbuild || -f $tree/$dir/Makefile ]]; do
				name=${dir##*/}/$name
				[[ $dir == */* ]] && dir=${dir%/*} || dir=.
			done
			[[ -n ${words[$dir]:-} ]] ||
				words[$dir]=" $(kbuild_words "$tree" "$out" "$srcarch" "$dir") "
			[[ ${words[$dir]} == *" $name "* ]] || enabled=
			[[ $dir != . ]] || break
			name=${dir##*/}/
			[[ $dir == */* ]] && dir=${dir%/*} || dir=.
		done
		[[ -z $enabled ]] || printf '%s\n' "${file%.c}.o"
	done
}

# compiler_warnings LOG: with the file but without path and line, which differ between
# the kernels; sorted.
compiler_warnings() {
	grep -E '(warning|error):' "$1" |
		sed -E "s|^[^ ]*/(build/)?(linux\|pristine)/||; s/:[0-9]+(:[0-9]+)?:/:/" |
		sort || true
}

# need_baseline WARNINGS OBJECT...: those that have to be compiled on the pristine kernel
# to tell whose warnings these are, one a line: what has some, all if one is in a header.
need_baseline() {
	local warnings=$1 object
	shift

	for object in "$@"; do
		[[ -f $BUILD/pristine/${object%.o}.c ]] || continue
		if grep -qE "^${object%.o}\.c:" "$warnings" || grep -qvE '^[^ ]*\.c:' "$warnings"; then
			printf '%s\n' "$object"
		fi
	done
}

# report VERDICT NAME [FILE]: a line of TAP; FILE has the reasons for a verdict that is
# not "ok". Counts in count and failed.
count=0 failed=0
report() {
	count=$((count + 1))
	if [[ $1 == ok ]]; then
		printf 'ok %d - %s\n' "$count" "$2"
	else
		failed=$((failed + 1))
		printf 'not ok %d - %s\n' "$count" "$2"
		[[ -z ${3:-} ]] || sed 's/^/# /' "$3"
	fi
}

# empty NAME FILE: ok if there is nothing in the file, which has what is wrong
empty() { if [[ -s $2 ]]; then report fail "$1" "$2"; else report ok "$1"; fi; }

# check NAME COMMAND...: ok if the command succeeds; what it prints is shown if it fails
check() {
	local name=$1 verdict=ok log
	shift

	log=$(mktemp)
	"$@" >"$log" 2>&1 || verdict=fail
	report "$verdict" "$name" "$log"
	rm -f -- "$log"
}
