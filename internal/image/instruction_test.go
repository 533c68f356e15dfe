package image

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestInstruction(t *testing.T) {
	const buildKit = "buildkit.dockerfile.v0"
	for name, test := range map[string]struct {
		before    []string // earlier lines
		text      string
		comment   string
		author    string
		os        string
		shell     []string // of the config
		keyword   string
		value     string
		arguments []string
		unsplit   bool
	}{
		"classic_add":                {text: "/bin/sh -c #(nop) ADD file:8e81 in / ", keyword: "ADD", value: "file:8e81 in /"},
		"classic_two_spaces":         {text: `/bin/sh -c #(nop)  CMD ["bash"]`, keyword: "CMD", value: `["bash"]`},
		"classic_run":                {text: "/bin/sh -c apt-get update", keyword: "RUN", value: "apt-get update"},
		"classic_run_of_a_keyword":   {text: "/bin/sh -c ENV X=1 ./run", keyword: "RUN", value: "ENV X=1 ./run"},
		"keyword_needs_a_boundary":   {text: "/bin/sh -c ENVIRONMENT=x ./run", keyword: "RUN", value: "ENVIRONMENT=x ./run"},
		"nop_keyword_boundary":       {text: "/bin/sh -c #(nop) ENVIRONMENT x", value: "ENVIRONMENT x"},
		"nop_in_a_command":           {text: `/bin/sh -c echo "#(nop) ADD x" > /y`, keyword: "RUN", value: `echo "#(nop) ADD x" > /y`},
		"nop_without_shell":          {text: "#(nop) ENV A=b", keyword: "ENV", value: "A=b"},
		"classic_expose":             {text: "/bin/sh -c #(nop)  EXPOSE map[443/tcp:{} 80/tcp:{}]", keyword: "EXPOSE", value: "443/tcp 80/tcp"},
		"buildkit_expose":            {text: "EXPOSE [80/tcp]", comment: buildKit, keyword: "EXPOSE", value: "80/tcp"},
		"volume":                     {text: "/bin/sh -c #(nop)  VOLUME [/data]", keyword: "VOLUME", value: "/data"},
		"volume_json":                {text: `/bin/sh -c #(nop)  VOLUME ["/data"]`, keyword: "VOLUME", value: `["/data"]`},
		"healthcheck":                {text: `HEALTHCHECK &{["CMD-SHELL" "curl -f localhost"] "30s" "3s" "0s" '\x00'}`, keyword: "HEALTHCHECK", value: `&{["CMD-SHELL" "curl -f localhost"] "30s" "3s" "0s" '\x00'}`},
		"onbuild":                    {text: "/bin/sh -c #(nop)  ONBUILD RUN make", keyword: "ONBUILD", value: "RUN make"},
		"maintainer":                 {text: "/bin/sh -c #(nop)  MAINTAINER a@b.c", keyword: "MAINTAINER", value: "a@b.c"},
		"classic_with_bash_shell":    {text: "/bin/bash -o pipefail -c #(nop)  ENV A=b", keyword: "ENV", value: "A=b"},
		"classic_run_with_bash":      {text: "/bin/bash -euxo pipefail -c curl x | sh", keyword: "RUN", value: "curl x | sh"},
		"login_shell":                {text: "/bin/bash --login -c rvm use 3", keyword: "RUN", value: "rvm use 3"},
		"shell_in_effect":            {before: []string{"/bin/sh -c #(nop)  SHELL [/usr/bin/fish --login -c]"}, text: "/usr/bin/fish --login -c make all", keyword: "RUN", value: "make all"},
		"nop_by_shell_in_effect":     {before: []string{"/bin/sh -c #(nop)  SHELL [/usr/bin/fish -c]"}, text: "/usr/bin/fish -c #(nop)  USER 1", keyword: "USER", value: "1"},
		"shell_from_the_config":      {shell: []string{"/opt/myshell", "run"}, text: "/opt/myshell run make", keyword: "RUN", value: "make"},
		"shell_by_json":              {before: []string{`/bin/sh -c #(nop) SHELL ["python3","-m","sh"]`}, text: "python3 -m sh print(1)", keyword: "RUN", value: "print(1)"},
		"shell_only":                 {text: "/bin/sh", value: "/bin/sh"},
		"shell_script":               {text: "bash script.sh", value: "bash script.sh"},
		"shell_without_command":      {text: "/bin/sh -c", keyword: "RUN"},
		"buildkit_run":               {text: "RUN /bin/sh -c make # buildkit", comment: buildKit, keyword: "RUN", value: "make"},
		"buildkit_run_bash":          {text: "RUN /bin/bash -o errexit -o nounset -o pipefail -c apt-get update && rm x # buildkit", comment: buildKit, keyword: "RUN", value: "apt-get update && rm x"},
		"buildkit_run_nested_shell":  {text: "RUN /bin/sh -c bash -c 'make all' # buildkit", comment: buildKit, keyword: "RUN", value: "bash -c 'make all'"},
		"buildkit_run_with_comment":  {text: "RUN /bin/sh -c make # all of it # buildkit", comment: buildKit, keyword: "RUN", value: "make # all of it"},
		"buildkit_exec_form":         {text: "RUN /usr/bin/make all # buildkit", comment: buildKit, keyword: "RUN", value: "/usr/bin/make all"},
		"buildkit_heredoc":           {text: "RUN /bin/sh -c apt-get update\napt-get install -y curl\n # buildkit", comment: buildKit, keyword: "RUN", value: "apt-get update\napt-get install -y curl"},
		"buildkit_many_heredocs":     {text: "RUN /bin/sh -c cat <<EOF > /x\nhello\nEOF # buildkit", comment: buildKit, keyword: "RUN", value: "cat <<EOF > /x\nhello\nEOF"},
		"buildkit_shebang_heredoc":   {text: "RUN /dev/pipes/EOF # buildkit", comment: buildKit, keyword: "RUN", value: "/dev/pipes/EOF"},
		"buildkit_copy":              {text: "COPY --chown=1:1 --link src /dst # buildkit", comment: buildKit, keyword: "COPY", value: "--chown=1:1 --link src /dst"},
		"buildkit_copy_heredoc":      {text: "COPY <<EOF /etc/x # buildkit", comment: buildKit, keyword: "COPY", value: "<<EOF /etc/x"},
		"buildkit_workdir":           {text: "WORKDIR /app", comment: buildKit, keyword: "WORKDIR", value: "/app"},
		"buildkit_env":               {text: "ENV PATH=/a:/b", comment: buildKit, keyword: "ENV", value: "PATH=/a:/b"},
		"buildkit_cmd":               {text: `CMD ["/bin/sh" "-c" "nginx"]`, comment: buildKit, keyword: "CMD", value: `["/bin/sh" "-c" "nginx"]`},
		"buildkit_exporter":          {comment: "buildkit.exporter.image.v0", value: "buildkit.exporter.image.v0"},
		"not_quite_the_mark":         {text: "RUN /bin/sh -c echo x# buildkit", comment: buildKit, keyword: "RUN", value: "echo x# buildkit"},
		"arguments":                  {text: "|2 A=1 B=2 /bin/sh -c make", keyword: "RUN", value: "make", arguments: []string{"A=1", "B=2"}},
		"arguments_buildkit":         {text: "RUN |1 A=b /bin/sh -c make # buildkit", comment: buildKit, keyword: "RUN", value: "make", arguments: []string{"A=b"}},
		"arguments_none":             {text: `|0 /bin/sh -c echo "Hello" > /tmp/x`, keyword: "RUN", value: `echo "Hello" > /tmp/x`},
		"arguments_empty_values":     {text: "|3 A= B= C= /bin/sh -c make", keyword: "RUN", value: "make", arguments: []string{"A=", "B=", "C="}},
		"arguments_with_spaces":      {text: "|3 A=    --with-x     --with-y  B=2 C=x y z /bin/sh -c make A=5", keyword: "RUN", value: "make A=5", arguments: []string{"A=    --with-x     --with-y ", "B=2", "C=x y z"}},
		"arguments_with_assignments": {before: []string{"ARG OPTS=X=1 Y=2", "ARG B=2"}, text: "RUN |2 OPTS=X=1 Y=2 B=2 /bin/sh -c make # buildkit", keyword: "RUN", value: "make", arguments: []string{"OPTS=X=1 Y=2", "B=2"}},
		"arguments_told_by_ARG":      {before: []string{"/bin/sh -c #(nop)  ARG OPTS", "/bin/sh -c #(nop)  ARG B"}, text: "|2 OPTS=X=1 Y=2 B=3 /bin/sh -c make", keyword: "RUN", value: "make", arguments: []string{"OPTS=X=1 Y=2", "B=3"}},
		"arguments_named_in_values":  {text: "|2 A=x A=y B=2 /bin/sh -c make", keyword: "RUN", value: "make", arguments: []string{"A=x A=y", "B=2"}},
		"arguments_not_to_be_told":   {text: "|2 OPTS=X=1 Y=2 B=2 /bin/sh -c make", keyword: "RUN", value: "make", arguments: []string{"OPTS=X=1 Y=2 B=2"}, unsplit: true},
		"arguments_with_a_shell":     {text: "|2 A=run /bin/sh -c x B=2 /bin/sh -c make", keyword: "RUN", value: "make", arguments: []string{"A=run /bin/sh -c x", "B=2"}},
		"arguments_bash":             {text: "|1 A=1 /bin/bash -o pipefail -c make", keyword: "RUN", value: "make", arguments: []string{"A=1"}},
		"arguments_exec_form":        {text: "|2 A=1 B=2 /usr/bin/make all", keyword: "RUN", value: "/usr/bin/make all", arguments: []string{"A=1", "B=2"}},
		"arguments_env_bash":         {text: "|1 A=1 /usr/bin/env bash -c make", keyword: "RUN", value: "/usr/bin/env bash -c make", arguments: []string{"A=1"}},
		"arguments_buildah_counts":   {text: "|4 A=x y z B=2 /bin/sh -c make", keyword: "RUN", value: "make", arguments: []string{"A=x y z", "B=2"}},
		"arguments_nop":              {text: "|1 A=1 /bin/sh -c #(nop) COPY x in /", keyword: "COPY", value: "x in /", arguments: []string{"A=1"}},
		"arguments_windows":          {os: "windows", text: "|1 A=1 cmd /S /C build.bat", keyword: "RUN", value: "build.bat", arguments: []string{"A=1"}},
		"a_bar_that_is_no_count":     {text: "|x A=1", value: "|x A=1"},
		"fewer_words_than_counted":   {text: "|5 A=1 /usr/bin/make", value: "|5 A=1 /usr/bin/make"},
		"windows_nop":                {os: "windows", text: `cmd /S /C #(nop) COPY file:ac9f in C:\nats.exe `, keyword: "COPY", value: `file:ac9f in C:\nats.exe`},
		"windows_run":                {os: "windows", text: "cmd /S /C dir", keyword: "RUN", value: "dir"},
		"windows_buildkit":           {os: "windows", text: "RUN cmd /S /C dir # buildkit", comment: buildKit, keyword: "RUN", value: "dir"},
		"windows_path_to_cmd":        {os: "windows", text: `C:\Windows\System32\cmd.exe /s /c dir`, keyword: "RUN", value: "dir"},
		"windows_powershell_in_cmd":  {os: "windows", text: "cmd /S /C powershell -Command Get-Item x", keyword: "RUN", value: "powershell -Command Get-Item x"},
		"windows_powershell":         {os: "windows", text: "powershell -NoProfile -ExecutionPolicy Bypass -Command Get-Item x", keyword: "RUN", value: "Get-Item x"},
		"windows_pwsh":               {os: "windows", text: "pwsh.exe -c Get-Item x", keyword: "RUN", value: "Get-Item x"},
		"windows_powershell_file":    {os: "windows", text: "powershell -File x.ps1", value: "powershell -File x.ps1"},
		"windows_shell_in_effect": {os: "windows", before: []string{"cmd /S /C #(nop)  SHELL [powershell -Command $ErrorActionPreference = 'Stop';]"},
			text: "powershell -Command $ErrorActionPreference = 'Stop'; #(nop)  ENV JAVA_HOME=C:\\java", keyword: "ENV", value: `JAVA_HOME=C:\java`},
		"windows_run_in_shell": {os: "windows", before: []string{"SHELL [powershell -Command $ErrorActionPreference = 'Stop';]"},
			text: "powershell -Command $ErrorActionPreference = 'Stop'; Remove-Item x -Force", keyword: "RUN", value: "Remove-Item x -Force"},
		"windows_base":              {os: "windows", text: "Apply image 10.0.20348.2529", value: "Apply image 10.0.20348.2529"},
		"windows_update":            {os: "windows", text: "Install update 10.0.20348.2529", value: "Install update 10.0.20348.2529"},
		"buildah_lines":             {text: "/bin/sh -c #(nop) LABEL a=b \\\n    c=d", keyword: "LABEL", value: "a=b \\\n    c=d"},
		"buildah_lower_case":        {text: "/bin/sh -c #(nop) env a=b", keyword: "ENV", value: "a=b"},
		"buildah_marks":             {text: "/bin/sh -c #(nop) LABEL a=b|unsetLabel=x|inheritLabels=false|force-mtime=0", keyword: "LABEL", value: "a=b"},
		"buildah_marks_of_copy":     {text: "/bin/sh -c #(nop) COPY file:1 in /x    |clamp-mtime=1600000000 ", keyword: "COPY", value: "file:1 in /x"},
		"buildah_marks_of_run":      {text: "/bin/sh -c make|force-mtime=12", keyword: "RUN", value: "make"},
		"buildah_run_with_mounts":   {text: "/bin/sh -c --mount=type=cache,target=/x make", keyword: "RUN", value: "--mount=type=cache,target=/x make"},
		"buildah_heredoc":           {text: "/bin/sh -c <<EOF\nmake", keyword: "RUN", value: "<<EOF\nmake"},
		"buildah_from_comment":      {text: "/bin/sh -c #(nop) USER 1001", comment: "FROM registry.example.com/base:1", keyword: "USER", value: "1001"},
		"kaniko_run":                {author: "kaniko", text: `RUN /bin/bash -c "source x && make"`, keyword: "RUN", value: `/bin/bash -c "source x && make"`},
		"kaniko_lower_case":         {author: "kaniko", text: "copy manager .", keyword: "COPY", value: "manager ."},
		"run_with_bare_shell":       {text: "RUN /bin/sh -c make all", keyword: "RUN", value: "make all"},
		"ko":                        {author: "ko", text: "ko build ko://example.com/cmd/app", comment: "go build output, at /ko-app/app", value: "ko build ko://example.com/cmd/app"},
		"jib":                       {author: "Jib", text: "jib-maven-plugin:3.4.0", comment: "classes", value: "jib-maven-plugin:3.4.0"},
		"bazel":                     {author: "Bazel", text: "bazel build ...", value: "bazel build ..."},
		"apko":                      {author: "apko", text: "apko", comment: "This is an apko single-layer image", value: "apko"},
		"nix":                       {comment: "store paths: ['/nix/store/x-glibc']", value: "store paths: ['/nix/store/x-glibc']"},
		"crane":                     {text: "crane flatten sha256:97", value: "crane flatten sha256:97"},
		"debuerreotype":             {text: "# debian.sh --arch 'amd64' out/ 'trixie' '@1'", comment: "debuerreotype 0.17", value: "# debian.sh --arch 'amd64' out/ 'trixie' '@1'"},
		"docker_import":             {comment: "Imported from -", value: "Imported from -"},
		"classic_exec_form":         {text: "/usr/bin/make all", keyword: "RUN", value: "/usr/bin/make all"},
		"a_committed_container":     {text: "/usr/sbin/nginx", value: "/usr/sbin/nginx"},
		"a_sentence_with_a_keyword": {text: "Add base image", value: "Add base image"},
		"keyword_alone":             {text: "RUN", keyword: "RUN"},
		"nothing":                   {},
	} {
		t.Run(name, func(t *testing.T) {
			r := newLineReader(test.os, test.shell)
			for _, text := range test.before {
				r.read(historyEntry{createdBy: text})
			}
			got := r.read(historyEntry{createdBy: test.text, comment: test.comment, author: test.author})
			if got.keyword != test.keyword || got.value != test.value {
				t.Errorf("got %q %q, want %q %q", got.keyword, got.value, test.keyword, test.value)
			}
			if !slices.Equal(got.arguments, test.arguments) || got.unsplit != test.unsplit {
				t.Errorf("arguments %q, unsplit %t", got.arguments, got.unsplit)
			}
		})
	}
}

// TestInstruction_reads_long_lines_in_bounded_time holds texts that a careless reader takes quadratic time for.
func TestInstruction_reads_long_lines_in_bounded_time(t *testing.T) {
	const size = MaxConfigBytes
	fill := func(prefix, unit string) string { return prefix + strings.Repeat(unit, (size-len(prefix))/len(unit)) }
	for name, text := range map[string]string{
		"spaces":         fill("|1 A=1", " "),
		"shells":         fill("|1 A=1 ", "/bin/sh -o "),
		"assignments":    fill("|1000 ", "A=1 "),
		"names":          fill("ARG ", "A "),
		"declarations":   fill("ARG ", "A=1 "),
		"options":        fill("/bin/bash ", "-a "),
		"powershell":     fill("|1 A=1 ", "powershell -ep "),
		"buildah_marks":  fill("/bin/sh -c #(nop) ENV a", "|force-mtime=1"),
		"nops":           fill("/bin/sh -c ", "#(nop) "),
		"a_word":         fill("|1 A=", "x"),
		"a_long_shell":   fill("SHELL [", "a "),
		"buildkit_marks": fill("RUN x", " # buildkit"),
	} {
		t.Run(name, func(t *testing.T) {
			r := newLineReader("linux", nil)
			start := time.Now()
			r.read(historyEntry{createdBy: "/bin/sh -c #(nop) SHELL [" + strings.Repeat("a ", 500) + "]"})
			l := r.read(historyEntry{createdBy: text})
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
			if len(l.value) > len(text) {
				t.Errorf("%d bytes became %d", len(text), len(l.value))
			}
		})
	}
}

func FuzzInstruction(f *testing.F) {
	for _, seed := range []string{
		"/bin/sh -c #(nop) ADD file:x in /", "RUN /bin/sh -c make # buildkit", "|2 A=1 B=2 /bin/sh -c make", "RUN |1 A=b c /bin/bash -o pipefail -c x # buildkit",
		"cmd /S /C #(nop) COPY a in b", "powershell -Command x", "SHELL [/bin/bash -c]", "ARG A=1 B=2", "EXPOSE map[80/tcp:{}]", "/bin/sh -c #(nop) LABEL a|force-mtime=0",
	} {
		f.Add("SHELL [powershell -Command $x = 1;]", seed, "", "")
		f.Add("ARG A=1", seed, "buildkit.dockerfile.v0", "kaniko")
	}
	f.Fuzz(func(t *testing.T, before, text, comment, author string) {
		r := newLineReader("linux", nil)
		r.read(historyEntry{createdBy: before})
		l := r.read(historyEntry{createdBy: text, comment: comment, author: author})
		if l.keyword != "" && !slices.Contains(keywords, l.keyword) {
			t.Fatalf("keyword %q", l.keyword)
		}
		total := len(l.value)
		for _, a := range l.arguments {
			total += len(a)
			if !strings.Contains(text, a) {
				t.Fatalf("argument %q is not in %q", a, text)
			}
		}
		if limit := max(len(text), len(comment)); total > limit {
			t.Fatalf("%d bytes from %d: %+v", total, limit, l)
		}
		if l.keyword != "EXPOSE" && l.keyword != "VOLUME" && !strings.Contains(text, l.value) && !strings.Contains(comment, l.value) {
			t.Fatalf("value %q is not in %q", l.value, text)
		}
		if l.unsplit && len(l.arguments) != 1 {
			t.Fatalf("%+v", l)
		}
	})
}
