// Package integrations is the explicit list of registry types.
package integrations

import (
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integrations/alibaba"
	"github.com/landwaiter/landwaiter/internal/integrations/artifactory"
	"github.com/landwaiter/landwaiter/internal/integrations/azure"
	"github.com/landwaiter/landwaiter/internal/integrations/digitalocean"
	"github.com/landwaiter/landwaiter/internal/integrations/docker"
	"github.com/landwaiter/landwaiter/internal/integrations/dockerhub"
	"github.com/landwaiter/landwaiter/internal/integrations/ecr"
	"github.com/landwaiter/landwaiter/internal/integrations/ghcr"
	"github.com/landwaiter/landwaiter/internal/integrations/gitea"
	"github.com/landwaiter/landwaiter/internal/integrations/gitlab"
	"github.com/landwaiter/landwaiter/internal/integrations/google"
	"github.com/landwaiter/landwaiter/internal/integrations/harbor"
	"github.com/landwaiter/landwaiter/internal/integrations/huawei"
	"github.com/landwaiter/landwaiter/internal/integrations/ibm"
	"github.com/landwaiter/landwaiter/internal/integrations/msr"
	"github.com/landwaiter/landwaiter/internal/integrations/nexus"
	"github.com/landwaiter/landwaiter/internal/integrations/oracle"
	"github.com/landwaiter/landwaiter/internal/integrations/quay"
	"github.com/landwaiter/landwaiter/internal/integrations/rhel"
	"github.com/landwaiter/landwaiter/internal/integrations/scaleway"
	"github.com/landwaiter/landwaiter/internal/integrations/tencent"
	"github.com/landwaiter/landwaiter/internal/integrations/zot"
)

// All returns the types in the order in which people see them.
func All() []integration.Type {
	return []integration.Type{
		docker.Type(),
		ecr.Type(),
		ecr.PublicType(),
		google.ArtifactRegistry(),
		azure.Type(),
		artifactory.Type(),
		nexus.Type(),
		quay.Type(),
		rhel.Type(),
		ghcr.Type(),
		ibm.Type(),
		google.Type(),
		gitlab.Type(),
		harbor.Type(),
		dockerhub.Type(),
		oracle.Type(),
		digitalocean.Type(),
		scaleway.Type(),
		gitea.Type(),
		zot.Type(),
		alibaba.Type(),
		huawei.Type(),
		tencent.Type(),
		msr.Type(),
	}
}
