-- +goose Up
ALTER TABLE integrations ADD COLUMN owner TEXT NOT NULL DEFAULT ''; -- '' for people, else e.g. file:team.yaml
