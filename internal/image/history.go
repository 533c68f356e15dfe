package image

// unproductive are the instructions that never make a layer.
var unproductive = map[string]bool{
	"ARG": true, "CMD": true, "ENTRYPOINT": true, "ENV": true, "EXPOSE": true, "FROM": true, "HEALTHCHECK": true, "LABEL": true,
	"MAINTAINER": true, "ONBUILD": true, "SHELL": true, "STOPSIGNAL": true, "USER": true, "VOLUME": true,
}

// instructions turns the history into Dockerfile lines and ties them to f.Layers, where the counts leave no doubt.
func instructions(history []historyEntry, f *Facts, notes *[]string) []Instruction {
	reader := newLineReader(f.Platform.OS, f.Shell)
	out := make([]Instruction, 0, len(history)+len(f.Layers))
	var producing, plausible []int
	for i, entry := range history {
		line := reader.read(entry)
		out = append(out, Instruction{
			Line: i + 1, Keyword: line.keyword, Value: line.value, Arguments: line.arguments, Comment: entry.comment,
			Created: entry.created, Author: entry.author, Empty: entry.empty, LayerIndex: -1,
		})
		if line.unsplit {
			note(notes, "The build arguments of line %d cannot be told apart.", i+1)
		}
		if !entry.empty {
			producing = append(producing, i)
			if !unproductive[line.keyword] {
				plausible = append(plausible, i)
			}
		}
	}
	switch {
	case len(producing) == len(f.Layers):
		tie(out, producing, f.Layers)
		return out
	case len(producing) > len(f.Layers) && len(plausible) == len(f.Layers):
		for _, i := range producing {
			out[i].Empty = true
		}
		tie(out, plausible, f.Layers)
		note(notes, "The history does not mark the lines without a layer; lines that only set metadata are taken for those.")
		return out
	case len(history) == 0:
		note(notes, "The image has no history, so it does not tell what made its layers.")
	default:
		note(notes, "The history tells of %s but the image has %d, so its lines cannot be tied to layers.", count(len(producing), "layer"), len(f.Layers))
	}
	for i, layer := range f.Layers {
		out = append(out, Instruction{Line: len(out) + 1, Value: "The history does not tell what made this layer.", LayerIndex: i, Layer: layer.Digest})
	}
	return out
}

func tie(out []Instruction, lines []int, layers []Layer) {
	for n, i := range lines {
		out[i].Empty, out[i].LayerIndex, out[i].Layer = false, n, layers[n].Digest
	}
}
