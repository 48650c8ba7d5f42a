"""Programs that look at text and files, and those that change them. How to read the lines: `policies/shell/table.py`."""

LINES = r"""
# -- words only: nothing is opened
echo, true, false, :, sleep, seq, basename, dirname, expr, yes, exit, return, break, continue, wait, jobs,
    times, clear, tput, cal, nproc, arch | read | text
printf | read | text | -v=value
date | read | text
    | -s=destructive --set=destructive -f=file --file=file -r=file --reference=file -d=value --date=value
pwd, whoami, id, groups, uname, uptime, tty, logname, users, w, who, hostid, sw_vers, lsb_release, locale,
    getconf, ulimit, umask | read | text
hostname | read | none | -F=destructive --file=destructive
test, [ | read | text |
type, which, whereis, hash, whatis, apropos | read | text |
ps | read | ps |
pgrep, free, vmstat, iostat, lsof, top, lscpu, lsblk, lsusb, lspci, dmesg, last, ss, netstat, pstree,
    sensors, arp | read | text
    | -K=destructive -C=unknown --clear=destructive
man, tldr, help | read | text
    | -P=unknown --pager=unknown -H=unknown --html=unknown -C=unknown --config-file=unknown -l=file -M=unknown
      -K=unknown
column, expand, unexpand, rev, fold, fmt, pr, nl, paste, join, comm, tsort, factor, numfmt | read | files
    | -t=value -s=value -d=value -w=value -N=value
head, tail | read | files | -n=value -c=value --lines=value --bytes=value -s=value --pid=value
stat | read | files | -c=value -f=value -t=value --format=value --printf=value
od, hexdump, strings | read | files | -A=value -t=value -j=value -N=value -n=value -w=value -s=value -e=value
cat, tac, wc, cksum, md5sum, md5, sha1sum, sha256sum, sha512sum, shasum, b2sum, sum, zcat, bzcat, xzcat, gzcat,
    gunzip -c, col, file, readlink, realpath, cmp, look, iconv, base32, base64, jless, ldd, nm, objdump, readelf,
    size, otool, xmllint, dot, colordiff, sdiff, zipinfo, exiftool, mediainfo, identify | read | files
    | -o=write --output=write --files0-from=file
du | read | lists | -d=value -B=value --exclude=value --max-depth=value --block-size=value --files0-from=file --exclude-from=file -X=file
tree | read | lists | -o=write -I=value -L=value -P=value --fromfile=read
ls, dir, vdir, exa, eza, lsd, df, mountpoint, findmnt, lsattr, getfacl, namei | read | lists
    | -o -I=value -L=value -P=value -d=value --ignore=value --color=value --block-size=value --exclude=value
      --max-depth=value
xxd | read | files | -r=unknown -revert=unknown -s=value -l=value -c=value -g=value
uniq | read | first | -f=value -s=value -w=value
cut | read | files | -d=value -f=value -c=value -b=value
tr | read | text |
diff, diff3 | read | files
    | -u -U=value -x=value -X=file --exclude=value --to-file=file --from-file=file -I=value --label=value -L=value
      -C=value --color=value
sort | read | files
    | -o=write --output=write --compress-program=unknown --files0-from=file -T=dir --temporary-directory=dir
      -k=value -t=value -S=value --key=value --random-source=file
grep, egrep, fgrep, zgrep, ggrep | read | pattern
    | -e=pattern --regexp=pattern -f=patternfile --file=patternfile -A=value -B=value -C=value -m=value -d=value
      -D=value --include=value --exclude=value --exclude-dir=value --exclude-from=file --color=value
      --colour=value --max-count=value --context=value --after-context=value --before-context=value
      --binary-files=value --label=value
rg, ag, ack, ugrep | read | deep pattern
    | -e=pattern --regexp=pattern -f=patternfile --file=patternfile --files=pattern --type-list=pattern -g=value
      -G=value --glob=value --iglob=value -t=value -T=value --type=value --type-not=value --type-add=value
      -A=value -B=value -C=value -m=value -j=value -r=value -d=value -M=value --max-columns=value
      --max-count=value --max-depth=value --max-filesize=value --context=value --after-context=value
      --before-context=value --replace=value --sort=value --sortr=value --color=value --colors=value -E=value
      --encoding=value --ignore-file=file --threads=value --pre=unknown --pre-glob=value --hostname-bin=unknown
      --pager=unknown --output=unknown --search-zip=read -z=read
fd, fdfind | read | deep pattern
    | -x=unknown -X=unknown --exec=unknown --exec-batch=unknown -e=value -t=value -E=value -d=value -g=value
      --extension=value --type=value --exclude=value --max-depth=value --min-depth=value --search-path=file
      --base-directory=dir -j=value --size=value -S=value --changed-within=value --changed-before=value
      --color=value
find | read | find |
locate, mdfind | read | text |
jq | read | jq pattern
    | -f=patternfile --from-file=patternfile --arg=value2 --argjson=value2 --slurpfile=file2 --rawfile=file2
      --indent=value -L=file --args=read --jsonargs=read
yq | read | jq pattern
    | -i=rewrites --inplace=rewrites --in-place=rewrites -s=unknown --split-exp=unknown -o=value
      --output-format=value -p=value --input-format=value -I=value --indent=value
sed, gsed | read | sed |
awk, gawk, mawk, nawk | read | awk |
less, more, most, zless, zmore, info, htop | unknown | any | | opens a page from which commands can be typed
bat, batcat, glow, mdcat | read | files
    | --pager=unknown -o=write -O=write --log-file=write --LOG-FILE=write -k=file -r -n -l=value --language=value
      --style=value --theme=value --line-range=value -p=value +=unknown --lesskey-file=unknown
      --lesskey-src=unknown --config-file=file --map-syntax=value -K
cd, pushd, popd | read | none |
source, . | local | script |
read, mapfile, readarray, getopts, local, declare, typeset, readonly, export, unset, set, shift, let, alias,
    unalias, shopt, trap, eval, exec | read | text

# -- changes to files
mktemp | local | makes | -p=write --tmpdir=write -t=value --suffix=value
touch, mkdir, mkfifo, install -d | local | makes
    | -m=value --mode=value -r=file --reference=file -d=value --date=value -t=value -Z
tee | local | makes | -a -i -p
rmdir | local | removes | -p --parents --ignore-fail-on-non-empty
rm | local | rm |
unlink | local | removes |
mv | local | mv |
apply_patch, applypatch | local | patch |
cp | local | cp |
ln | local | ln |
chmod | local | chmod |
split, csplit | local | works | -l=value -b=value -n=value -C=value -a=value --filter=unknown
truncate | destructive | makes | -s=value --size=value -r=file | cuts files off
shred, srm, wipe, wipefs, blkdiscard, dd, mkfs, mkfs.ext4, mkfs.xfs, mkfs.vfat, mkswap, fdisk, sfdisk, cfdisk,
    gdisk, parted, losetup, cryptsetup, lvremove, vgremove, pvremove, hdparm, diskutil, fsck, badblocks, tune2fs
    | destructive | any | | overwrites files or disks
chown, chgrp, chattr, setfacl, setcap, xattr | destructive | any | | changes who owns or may use files
patch | local | patches
    | -i=file -o=write -d=dir -p=value --input=file --directory=dir --output=write -r=write -R -N -s -f --dry-run
      --forward --reverse --strip=value
tar, bsdtar, gtar | local | tar |
gzip, gunzip, bzip2, bunzip2, xz, unxz, zstd, unzstd, lz4, compress, uncompress | local | rewrites
    | -o=write -S=value
zip | local | works
    | -T -TT=unknown --unzip-command=unknown -O=write --out=write -r -q -x=value -i=value -d=unknown
      -m=destructive --move=destructive -P=value -b=dir
unzip | local | works | -d=dir -l=read -p -q -o -x=value -P=value -Z=read -t=read -v=read -n
7z, 7za, 7zz, unrar, rar, cpio, pax, ar | unknown | any | | packs or unpacks in ways that are not read
rsync | destructive | any | | copies over what is there, often to other machines
dos2unix, unix2dos | local | rewrites |
sponge | local | makes | -a
ex, vi, vim, nvim, view, vimdiff, ed, emacs, emacsclient, nano, pico, micro, helix, hx, code, cursor, subl,
    atom, gedit, open, xdg-open, start, explorer.exe | unknown | any |
    | opens an editor or another program, which can do anything
convert, magick, mogrify, ffmpeg, ffprobe, pandoc, gs, soffice, libreoffice, wkhtmltopdf, pdftotext, pdflatex,
    latexmk, xelatex, inkscape | unknown | any | | converts files in ways that are not read
"""
