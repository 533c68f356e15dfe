package assess_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/scan"
)

// fill gives every field a value: text the name of its field, numbers 1, times one of their own.
func fill(v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(now.Add(-time.Duration(len(name)) * time.Hour)))
			return
		}
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				fill(v.Field(i), field.Name)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), name)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, name)
		fill(value, name)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString(name)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(1)
	default:
		v.SetInt(1)
	}
}

// leaves calls visit with every value inside v and the path of fields to it.
func leaves(v reflect.Value, path string, visit func(path string, v reflect.Value)) {
	switch {
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for i := range v.NumField() {
			leaves(v.Field(i), path+"."+v.Type().Field(i).Name, visit)
		}
	case v.Kind() == reflect.Slice && v.Len() > 0:
		leaves(v.Index(0), path, visit)
	case v.Kind() == reflect.Map && v.Len() > 0:
		leaves(v.MapIndex(v.MapKeys()[0]), path, visit)
	default:
		visit(path, v)
	}
}

func TestPolicyInput_maps_everything(t *testing.T) {
	var a assess.Assessment
	fill(reflect.ValueOf(&a).Elem(), "")
	a.Reference = "registry.example/team/app:1@sha256:" + strings.Repeat("a", 64)
	a.Scan.Status, a.Check.Status = string(scan.Complete), assess.Checked
	a.Scan.Source.Kind, a.Facts.MediaType = assess.FromSBOM, "" // so the configuration is not known
	a.Findings[0].Component = a.Scan.Components[0].Name
	in := assess.PolicyInput(&a, now)

	// Text that does not stand in a field of the same name.
	elsewhere := map[string]string{
		".Image.Reference": a.Reference, ".Image.Registry": "registry.example", ".Image.Repository": "team/app", ".Image.Tag": "1",
		".Image.Distribution":                    "ID:VersionID",
		".Components.Instruction":                a.Facts.LineText(1),
		".Vulnerabilities.Component.Instruction": a.Facts.LineText(1),
	}
	// What an assessment does not know.
	in.Unavailable, in.Namespace, in.Cluster = "Unavailable", "Namespace", policy.Cluster{Name: "Name", Labels: map[string]string{"Labels": "Labels"}}
	in.Workload, in.Container = &policy.Workload{}, &policy.Container{}
	seen := 0
	leaves(reflect.ValueOf(in), "", func(path string, v reflect.Value) {
		seen++
		if v.IsZero() {
			t.Errorf("%s is not mapped", path)
		}
		if v.Kind() != reflect.String {
			return
		}
		want, ok := elsewhere[path]
		if !ok {
			want = path[strings.LastIndex(path, ".")+1:]
		}
		if v.String() != want {
			t.Errorf("%s is %q, not %q", path, v, want)
		}
	})
	if seen < 60 {
		t.Errorf("only %d values are mapped", seen)
	}
	if in.Scan.AdvisoryAge != now.Sub(*a.Check.DataFrom) || !in.Image.Created.Equal(*a.Facts.Created) ||
		!in.Vulnerabilities[0].Published.Equal(*a.Findings[0].Published) {
		t.Error("a time is of something else")
	}
}

func TestPolicyInput_of_what_is_not_known(t *testing.T) {
	for name, tt := range map[string]struct {
		a    assess.Assessment
		want policy.Scan
	}{
		"not_scanned": {assess.Assessment{Scan: assess.Scan{Status: assess.NotScanned}, Check: assess.Check{Status: assess.NotChecked}}, policy.Scan{}},
		"partly_read": {assess.Assessment{Scan: assess.Scan{Status: string(scan.Partial)}, Check: assess.Check{Status: assess.NotChecked}}, policy.Scan{Scanned: true}},
		"partly_checked": {
			assess.Assessment{Scan: assess.Scan{Status: string(scan.Complete)}, Check: assess.Check{Status: assess.PartlyChecked, Unchecked: 3}},
			policy.Scan{Scanned: true, Complete: true, VulnsChecked: true, UncheckedCount: 3},
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := assess.PolicyInput(&tt.a, now)
			if in.Scan != tt.want {
				t.Errorf("%+v", in.Scan)
			}
			if in.Image.HasCreated || in.Image.HasHealthcheck || in.Image.Distribution != "" {
				t.Errorf("%+v", in.Image)
			}
		})
	}
}
