# Several servers on one CrateDB or PostgreSQL and one bucket, which are yours to run:
#   nomad var put nomad/jobs/crateflow store=cratedb://crateflow:secret@db1:5432/?schema=mlflow access_key=… secret_key=…
#   nomad job run deploy/nomad/crateflow.nomad.hcl
# The server has no login: let only those reach its port who may read and change all of its data.
variable "image" {
  description = "Where your clients find the image that the Dockerfile builds"
  default     = "crateflow:0.1.0"
}

variable "count" {
  default = 3
}

variable "artifacts" {
  default = "s3://mlflow/artifacts"
}

variable "allowed_hosts" {
  description = "Host names that the servers answer; empty for localhost and private addresses"
  default     = ""
}

job "crateflow" {
  type = "service"

  update {
    max_parallel     = 1
    health_check     = "checks"
    min_healthy_time = "10s"
    healthy_deadline = "6m"
    auto_revert      = true
  }

  group "servers" {
    count = var.count

    network {
      port "http" {
        to = 5000
      }
    }

    service {
      name     = "crateflow"
      port     = "http"
      provider = "nomad"

      # Whoever asks for the service is sent to servers whose database answers.
      check {
        type      = "http"
        path      = "/ready"
        interval  = "5s"
        timeout   = "5s"
        on_update = "require_healthy"
      }
    }

    task "server" {
      driver = "docker"

      config {
        image           = var.image
        args            = ["server", "--host", "0.0.0.0", "--port", "5000"]
        ports           = ["http"]
        readonly_rootfs = true
        cap_drop        = ["all"]
        security_opt    = ["no-new-privileges"]

        mount {
          type   = "tmpfs"
          target = "/tmp"
        }

        mount {
          type   = "tmpfs"
          target = "/data"
        }
      }

      env {
        MLFLOW_ARTIFACTS_DESTINATION = var.artifacts
        MLFLOW_SERVER_ALLOWED_HOSTS  = var.allowed_hosts
        MLFLOW_EXPOSE_PROMETHEUS     = "on"
        AWS_REGION                   = "us-east-1"
        CRATEFLOW_LOG_FORMAT         = "json"
      }

      template {
        destination = "secrets/server.env"
        env         = true
        data        = <<-EOT
          {{ with nomadVar "nomad/jobs/crateflow" }}
          MLFLOW_BACKEND_STORE_URI={{ .store }}
          AWS_ACCESS_KEY_ID={{ .access_key }}
          AWS_SECRET_ACCESS_KEY={{ .secret_key }}
          {{ end }}
        EOT
      }

      # More than the 30 s that running requests have to end.
      kill_timeout = "40s"

      resources {
        cpu        = 500
        memory     = 512
        memory_max = 1024
      }
    }
  }
}
