# bash completion for icejobfs

# $1: the text since the last blank (a list of options); $2: what bash takes for the current word,
# which is less, since it splits words at '='.
_icejobfs_options() {
    local item=${1##*,} head
    local names="profile= ttl= patience= ttl_missing= refresh= discover= qps= timeout= keep= cache_size= state= no_notify fastcache vpc ca= proxy= uid= gid= umask= allow_other insecure_http config=" # options
    case $item in
    ca=* | config=*)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "${item#*=}")
        ;;
    state=*)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "${item#*=}")
        ;;
    *=*)
        COMPREPLY=()
        ;;
    *)
        head=${2%"$item"}
        compopt -o nospace
        mapfile -t COMPREPLY < <(compgen -P "$head" -W "$names" -- "$item")
        ;;
    esac
}

# The words of `wait`: its flag, and directories.
_icejobfs_wait() {
    case $1/$2 in
    --timeout/*)
        COMPREPLY=()
        ;;
    */-*)
        mapfile -t COMPREPLY < <(compgen -W "--timeout --help" -- "$2")
        ;;
    *)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$2")
        ;;
    esac
}

_icejobfs() {
    local line=${COMP_LINE:0:COMP_POINT} current=${COMP_WORDS[COMP_CWORD]}
    local text=${line##* } before
    before=${line%"$text"}
    before=${before%"${before##*[! ]}"}
    if [[ $COMP_CWORD -gt 1 && ${COMP_WORDS[1]} == wait ]]; then
        _icejobfs_wait "${before##* }" "$text"
        return
    fi
    case ${before##* }/$text in
    -o/*)
        _icejobfs_options "$text" "${current#=}"
        ;;
    */-*)
        mapfile -t COMPREPLY < <(compgen -W "-f -d -o --help --version" -- "$text")
        ;;
    *)
        compopt -o filenames
        mapfile -t COMPREPLY < <(
            compgen -W "demo doctor wait cn-beijing cn-hangzhou cn-shanghai cn-shenzhen ap-southeast-1 us-west-1" \
                -- "$current"
            compgen -d -- "$current"
        )
        ;;
    esac
}

complete -F _icejobfs icejobfs
