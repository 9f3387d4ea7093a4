/** The scripts that make a shell ask `dumbwaiter complete` what may come next. Where it knows nothing, the shell completes files. */

export const shells = ['bash', 'zsh', 'fish'] as const;

const bash = `# Completion of dumbwaiter for bash.
_dumbwaiter() {
  local IFS=$'\\n'
  COMPREPLY=($(dumbwaiter complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f 1))
}
complete -o default -F _dumbwaiter dumbwaiter
`;

const zsh = `#compdef dumbwaiter
# Completion of dumbwaiter for zsh.
_dumbwaiter() {
  local -a found
  found=("\${(@f)$(dumbwaiter complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -z "\${found[1]}" ]]; then
    _files
    return
  fi
  found=("\${(@)found//:/\\\\:}")
  found=("\${(@)found/$'\\t'/:}")
  _describe dumbwaiter found
}
if [[ "\${funcstack[1]}" = _dumbwaiter ]]; then
  _dumbwaiter "$@"
else
  compdef _dumbwaiter dumbwaiter
fi
`;

const fish = `# Completion of dumbwaiter for fish.
function __dumbwaiter_complete
  set -l typed (commandline -opc) (commandline -ct)
  set -l found (dumbwaiter complete -- $typed[2..-1] 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c dumbwaiter -f -a '(__dumbwaiter_complete)'
`;

export const scripts: Record<(typeof shells)[number], string> = { bash, zsh, fish };
